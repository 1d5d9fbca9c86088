/** Where the lab runs, and what its parts are called. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { hostKeyOf, hostsOf } from "./hosts";
import { checkHosts } from "./invariantsHosts";
import { ownedNames } from "./owners";
import type { Config } from "./schema";
import { serviceName } from "./serviceDefaults";
import { stackNameProblem } from "./stackName";
import type { NetworkName } from "../lab/types";

/** IFNAMSIZ less the final zero. */
const MAX_BRIDGE = 15;
export function checkPlatform(findings: Findings, config: Config, draft: Draft): void {
  checkHosts(findings, config, draft);
  checkImage(findings, config);
  for (const [index, { bridges }] of hostsOf(config).entries()) {
    const keyOf = (network: NetworkName): string => hostKeyOf(config, index, `${network}Network.bridge`);
    for (const network of ["client", "server"] as const)
      checkBridge(findings, keyOf(network), bridges?.[network], draft);
    const bridge = bridges?.server;
    if (bridge === undefined || bridge !== bridges?.client) continue;
    const message = `is ${keyOf("client")} too; client and server would share a segment`;
    const fix = "name another bridge, or leave one of the two out";
    findings.add({ key: keyOf("server"), value: bridge, message, fix }, keyOf("client"));
  }
}

function checkImage(findings: Findings, { image, imageSha256 }: Config): void {
  if (image === undefined) {
    if (imageSha256 === undefined) return;
    const fix = "set image, or remove imageSha256";
    findings.add(
      { key: "imageSha256", value: imageSha256, message: "is the digest of no image", fix },
      "image",
    );
    return;
  }
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(image);
  if (url && !/^https?:\/\/[^/]+\/.+/i.test(image)) {
    const fix = "write the absolute path of a file";
    findings.add({ key: "image", value: image, message: "is a URL of an unknown kind", fix });
  } else if (url && imageSha256 === undefined) {
    const message = "is a URL without a checksum; anyone on the way could replace it";
    const fix = "download it, write its absolute path, and set imageSha256 to its published SHA-256";
    findings.add({ key: "image", value: image, message, fix }, "imageSha256");
  } else if (url) {
    const message = "is a URL, and an image is not downloaded while the lab is applied";
    const fix = "download it, and write its absolute path; imageSha256 is then compared with the file";
    findings.add({ key: "image", value: image, message, fix });
  } else if (!url && !image.startsWith("/")) {
    const fix = "write the absolute path of the file on the libvirt host";
    findings.add({ key: "image", value: image, message: "is not an absolute path", fix });
  }
}

function checkBridge(findings: Findings, key: string, bridge: string | undefined, draft: Draft): void {
  if (bridge === undefined) return;
  const fix = "name an existing bridge of the host, as in `ip link show type bridge`";
  const own = [draft.segments.client.bridge, draft.segments.server.bridge];
  if (bridge.length > MAX_BRIDGE) {
    const message = `has ${bridge.length} characters, and a bridge has at most ${MAX_BRIDGE}`;
    findings.add({ key, value: bridge, message, fix });
  } else if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(bridge)) {
    findings.add({ key, value: bridge, message: "is not an interface name", fix });
  } else if (own.includes(bridge)) {
    const message = "is a bridge that the stack makes itself; client and server would share a segment";
    findings.add({ key, value: bridge, message, fix });
  }
}

/** Names that mean something else to people or programs; each role's word is free for that role alone. */
const RESERVED: Readonly<Record<string, string>> = {
  localhost: "is the name of every host itself",
  host: "stands for the libvirt host",
  vip: "stands for the VIP",
  sorry: "stands for the sorry server",
  all: "stands for every guest",
};
const ROLES: Readonly<Record<string, string>> = {
  client: "client.name",
  router: "router.name",
  director: "director.name",
};

/** What no guest of another role can be called. */
export const RESERVED_NAMES: readonly string[] = [...Object.keys(RESERVED), ...Object.keys(ROLES)];

export function checkNames(findings: Findings, config: Config, draft: Draft): void {
  const why = stackNameProblem(draft.stack);
  if (why !== undefined)
    findings.add({ key: "stack", value: draft.stack, message: why, fix: "choose another name" });
  const first = new Map<string, string>();
  for (const { key, value, owner } of ownedNames(config, draft)) {
    const other = first.get(value);
    const role = ROLES[value];
    const fix = "choose another name";
    if (other !== undefined) {
      findings.add({ key, value, message: `is the name of both ${other} and ${owner}`, fix });
    } else if (RESERVED[value] !== undefined) {
      findings.add({ key, value, message: `is reserved: it ${RESERVED[value]}`, fix });
    } else if (role !== undefined && role !== key && !(value === "director" && key === "directors[0].name")) {
      findings.add({ key, value, message: `is reserved for the ${value} itself (${role})`, fix });
    }
    if (other === undefined) first.set(value, `${owner} (${key})`);
  }
  const services = new Map<string, number>();
  config.services.forEach((service, index) => {
    const value = serviceName(service, index);
    const other = services.get(value);
    services.set(value, other ?? index);
    if (other === undefined) return;
    const message = `is the name of both services[${other}] and services[${index}]`;
    findings.add({ key: `services[${index}].name`, value, message, fix: "choose another name" });
  });
  if (config.realServers !== undefined && config.realServerCount !== undefined) {
    findings.add(
      {
        key: "realServerCount",
        value: config.realServerCount,
        message: `is given beside realServers, which lists ${config.realServers.length}`,
        fix: "remove one of the two",
      },
      "realServers",
    );
  }
}
