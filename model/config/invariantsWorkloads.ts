import { listenedPorts } from "../lab/ports";
/** Workloads: known, each with ports of its own, and the files that they name. */
import { createPrivateKey, X509Certificate } from "node:crypto";

import { tlsPorts, WEB, webProtocol } from "../lab/workloads";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { nearest } from "./refusal";
import type { Config } from "./schema";
import { keysOf, reporter, servicePlaces, type Place } from "./servicePlaces";
import { checkFileNames, checkText, type ReadText } from "./textFiles";

type Entry = Config["workloads"][number];

export function checkWorkloads(findings: Findings, config: Config, draft: Draft): void {
  const places = servicePlaces(config, draft);
  checkNames(findings, config);
  config.workloads.forEach((workload, index) => checkEntry(findings, workload, `workloads[${index}]`));
  for (const place of places) checkKnown(findings, config, place);
  checkOwners(findings, config, draft, places);
  checkProtocols(findings, config, places);
}

function checkNames(findings: Findings, { workloads }: Config): void {
  const seen = new Map<string, number>();
  workloads.forEach(({ name }, index) => {
    const key = `workloads[${index}].name`;
    if (name === undefined) {
      findings.add({ key, message: "is missing", fix: "write the name that services call it by" });
      return;
    }
    const other = seen.get(name);
    if (other === undefined) seen.set(name, index);
    else {
      const message = `is the name of workloads[${other}] too`;
      findings.add({ key, value: name, message, fix: "choose another name" });
    }
  });
}

function checkEntry(findings: Findings, workload: Entry, key: string): void {
  const { name, ports, script, packages, files, tls, certificate, key: keyFile } = workload;
  const own = { ports, script, packages: packages.at(0), files: files.at(0), tls: tls || undefined };
  const builtIn = { certificate, key: keyFile };
  for (const [field, value] of Object.entries(name === WEB ? own : builtIn)) {
    if (value === undefined || name === undefined) continue;
    const [message, fix] =
      name === WEB
        ? [
            "is for a workload of your own: web is the built-in one",
            "remove it, or give the workload another name",
          ]
        : ["is for the built-in workload web", "remove it; a script finds what it needs among its files"];
    findings.add({ key: `${key}.${field}`, message, fix }, `${key}.name`);
  }
  if (name === WEB && (certificate === undefined) !== (keyFile === undefined)) {
    const missing = certificate === undefined ? "certificate" : "key";
    const fix = "name both files, or neither";
    findings.add({ key: `${key}.${missing}`, message: "is missing: a certificate needs its key", fix });
  }
  ports?.forEach((port, place) => {
    if (port !== 22) return;
    const message = "is SSH's port, through which the guests are configured";
    findings.add({ key: `${key}.ports[${place}]`, value: port, message, fix: "choose another port" });
  });
  checkFileNames(findings, `${key}.files`, files);
}

function checkKnown(findings: Findings, config: Config, place: Place): void {
  const { workload } = place.service;
  const names = [...config.workloads.flatMap(({ name }) => name ?? []), WEB];
  if (workload === undefined || names.includes(workload)) return;
  const near = nearest(workload, names);
  const fix =
    near === undefined ? `name one of ${names.join(", ")}, or add it to workloads` : `write ${near}`;
  const message = "is not a workload of the lab";
  reporter(findings, config, place)("workload", { value: workload, message, fix }, [], nameKeys(config));
}

/** A workload whose name was refused is not known by it. */
const nameKeys = ({ workloads }: Config): string[] =>
  workloads.map((_each, index) => `workloads[${index}].name`);

/** A port is one workload's: the one that lists it, or the one that a service at it names. */
function checkOwners(findings: Findings, config: Config, draft: Draft, places: readonly Place[]): void {
  const owners: Owners = new Map();
  config.workloads.forEach(({ name, ports }, index) => {
    if (name === undefined || name === WEB) return;
    ports?.forEach((port, place) => {
      const key = `workloads[${index}].ports[${place}]`;
      const owner = owners.get(port);
      if (owner === undefined) owners.set(port, { name, key });
      else {
        const message = `belongs to workload ${owner.name} (${owner.key}), and a port is one workload's alone`;
        findings.add(
          { key, value: port, message, fix: "remove it from one of the two" },
          owner.key,
          ...nameKeys(config),
        );
      }
    });
  });
  for (const place of places)
    for (const port of listenedPorts(place.service)) checkOwner(findings, config, draft, place, port, owners);
}

type Owners = Map<number, { readonly name: string; readonly key: string }>;

function checkOwner(
  findings: Findings,
  config: Config,
  draft: Draft,
  place: Place,
  port: number,
  owners: Owners,
): void {
  const { name, protocol, workload: named } = place.service;
  const [key, ...also] = keysOf(config, place, place.service.mark === undefined ? "port" : "ports");
  const owner = owners.get(port);
  const own = named ?? (protocol === "tcp" ? WEB : undefined);
  const involved = [...also, ...keysOf(config, place, "workload"), ...nameKeys(config)];
  const listed = draft.workloads?.find((each) => each.name === named);
  // Said already.
  if (named !== undefined && listed === undefined) return;
  // The web server has its ports by TCP alone.
  const apart = own === undefined && owner?.name === WEB;
  if (owner !== undefined && owner.name !== own && !apart) {
    const message = `belongs to workload ${owner.name} (${owner.key}), and ${name} is served by ${own ?? "none"}`;
    const fix = `set the service's workload to ${owner.name}, or choose another port`;
    findings.add({ key, value: port, message, fix }, owner.key, ...involved);
  } else if (owner === undefined && listed !== undefined && !listed.ports.includes(port)) {
    const fix = `add ${port} to them, or choose another port`;
    findings.add(
      { key, value: port, message: `is not among the ports of workload ${named}`, fix },
      ...involved,
    );
  } else if (owner === undefined && own !== undefined) owners.set(port, { name: own, key });
}

/** The built-in web server speaks one protocol at a port. */
function checkProtocols(findings: Findings, config: Config, places: readonly Place[]): void {
  const seen = new Map<number, Place>();
  const spoken = (service: Place["service"], port: number): string =>
    tlsPorts(service).includes(port) ? "https" : "http";
  for (const place of places) {
    const { service } = place;
    const { name, check } = service;
    for (const port of webProtocol(service) === undefined ? [] : listenedPorts(service)) {
      const other = seen.get(port);
      seen.set(port, other ?? place);
      if (other === undefined || spoken(other.service, port) === spoken(service, port)) continue;
      const message = `makes ${name} ${spoken(service, port)}, and ${other.service.name} at port ${port} is ${spoken(other.service, port)}`;
      const fix = "check both by the same service, or choose another port";
      reporter(findings, config, place)("healthCheck.service", { value: check.service, message, fix }, [
        "port",
      ]);
    }
  }
}

/** What is wrong with a pair of certificate and key; nothing of either is shown. */
function pairFault(
  certificate: string,
  key: string,
): { field: "certificate" | "key"; message: string } | undefined {
  let read: X509Certificate;
  try {
    read = new X509Certificate(certificate);
  } catch {
    return { field: "certificate", message: "holds no certificate in PEM" };
  }
  try {
    if (read.checkPrivateKey(createPrivateKey(key))) return undefined;
    return { field: "key", message: "is not the key of the certificate" };
  } catch {
    const locked = key.includes("BEGIN ENCRYPTED");
    return { field: "key", message: locked ? "is locked by a passphrase" : "holds no private key in PEM" };
  }
}

/** What only the files themselves tell. */
export function checkTexts(findings: Findings, { workloads }: Config, read: ReadText): void {
  workloads.forEach(({ script, files, certificate, key: keyFile }, index) => {
    const single = Object.entries({ script, certificate, key: keyFile });
    const named = [...single, ...files.map((path, place) => [`files[${place}]`, path] as const)];
    const pair = [certificate, keyFile].flatMap((path) => (path === undefined ? [] : [read(path)]));
    const [own, its] = pair.flatMap((each) => ("text" in each && each.text !== "" ? [each.text] : []));
    const wrong = own === undefined || its === undefined ? undefined : pairFault(own, its);
    if (wrong !== undefined) {
      const fix = "name the certificate's file and that of its key, without a passphrase";
      findings.add({ key: `workloads[${index}].${wrong.field}`, message: wrong.message, fix });
    }
    for (const [field, path] of named) {
      if (path === undefined) continue;
      checkText(findings, read, { key: `workloads[${index}].${field}`, path, isRun: field === "script" });
    }
  });
}
