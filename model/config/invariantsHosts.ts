/** The libvirt hosts: how each is reached, and what joins them. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { endpoint, familyOf, Prefix } from "../lab/address";
import { sameLibvirt } from "../../lib/hostPlace";
import { HERE } from "../../lib/sshHop";
import { LIBVIRT_URI, ordinalOf } from "../lab/hosts";
import { hostKeyOf, hostsOf, listedKey, remoteOf, type HostDraft } from "./hosts";
import { RESERVED } from "./invariantsNetworks";
import type { Config } from "./schema";

const LOCAL_URI = /^qemu(\+unix)?:\/\/\/system(\?.*)?$/;
const SSH_URI =
  /^qemu\+ssh:\/\/([A-Za-z0-9._-]+@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?\/system(\?.*)?$/;

export function checkHosts(findings: Findings, config: Config, draft: Draft): void {
  for (const [index, { libvirtUri, remote, name }] of draft.hosts.entries()) {
    const key = hostKeyOf(config, index, "libvirtUri");
    checkUri(findings, key, libvirtUri, remote);
    const hostKey = hostsOf(config)[index]?.hostKey;
    if (remote === undefined && hostKey !== undefined) {
      findings.add(
        {
          key: hostKeyOf(config, index, "remoteHostKey"),
          value: hostKey,
          message: `is the key of another host, and ${key} names none`,
          fix: `set ${key} to qemu+ssh://USER@HOST:PORT/system, or remove ${hostKeyOf(config, index, "remoteHostKey")}`,
        },
        key,
      );
    }
    if (remote !== undefined && config.accelerator === "auto") {
      findings.add(
        {
          key: "accelerator",
          value: "auto",
          message: `cannot be found out on the remote host ${name || remote.host}: the probe boots a guest on this one`,
          fix: "say kvm if that host has working KVM, else qemu (slow)",
        },
        key,
      );
    }
  }
  if (config.hosts !== undefined) checkList(findings, config, hostsOf(config));
  checkNames(findings, config);
  checkPlacement(findings, config);
}

function checkUri(
  findings: Findings,
  key: string,
  value: string,
  remote: Draft["hosts"][number]["remote"],
): void {
  const fix = `use ${LIBVIRT_URI}, or qemu+ssh://USER@HOST:PORT/system for another host`;
  const port = remote?.port ?? 22;
  if (value.endsWith("/session") || value.includes("/session?")) {
    findings.add({ key, value, message: "is a session connection, which cannot make networks", fix });
  } else if (!LOCAL_URI.test(value) && !SSH_URI.test(value)) {
    const message = "is not a QEMU connection through which the guests can be reached";
    findings.add({ key, value, message, fix });
  } else if (port < 1 || port > 65535) {
    findings.add({ key, value, message: `has port ${port}, and ports are 1–65535`, fix });
  }
  const keyFile = remote?.keyFile;
  if (keyFile !== undefined && !keyFile.startsWith("/")) {
    const message = `has a keyfile that is not an absolute path: ${keyFile}`;
    findings.add({ key, value, message, fix: "write keyfile=/path/to/key" });
  }
}

/** What a host has bears its name, but for the first of a stack, and so does what joins it to others. */
function checkNames(findings: Findings, config: Config): void {
  const { last, libvirtUri } = config;
  if (last === undefined) return;
  if (config.hosts === undefined) {
    const host = last.hosts.find((each) => sameLibvirt(each.libvirtUri, libvirtUri));
    if (host === undefined || ordinalOf(last, host) === 0) return;
    const message = `is the host that the stack knows as ${host.name}, and what it has bears that name`;
    const fix = `list it: hosts: [{ name: ${host.name}, libvirtUri: … }]`;
    findings.add({ key: "libvirtUri", value: libvirtUri, message, fix });
    return;
  }
  const hosts = hostsOf(config);
  for (const [index, { name, ordinal }] of hosts.entries()) {
    const host = last.hosts.find((each) => ordinalOf(last, each) === ordinal);
    if (host === undefined || host.name === name) continue;
    if (ordinal === 0 && (hosts.length === 1 || last.hosts.length === 1)) continue;
    const message = `is the host that the stack knows as ${host.name}, and what it has bears that name`;
    findings.add({ key: `hosts[${index}].name`, value: name, message, fix: `write ${host.name}` });
  }
}

/** What only a list of hosts can have wrong. */
function checkList(findings: Findings, config: Config, hosts: readonly HostDraft[]): void {
  const beside = [
    ["libvirtUri", config.libvirtUri === LIBVIRT_URI ? undefined : config.libvirtUri],
    ["remoteHostKey", config.remoteHostKey],
    ["clientNetwork.bridge", config.clientNetwork.bridge],
    ["serverNetwork.bridge", config.serverNetwork.bridge],
    ["clientNetwork.hostAddress", config.clientNetwork.hostAddress],
    ["serverNetwork.hostAddress", config.serverNetwork.hostAddress],
  ] as const;
  for (const [key, value] of beside) {
    if (value === undefined) continue;
    const message = "is given beside hosts, which has what each host has";
    findings.add({ key, value, message, fix: `write it as ${listedKey(key, 0)}` }, "hosts");
  }
  for (const [index, { name }] of hosts.entries()) {
    if (name !== HERE) continue;
    const message = "stands for the host that the program runs on";
    findings.add({ key: `hosts[${index}].name`, value: name, message, fix: "choose another name" });
  }
  checkUnique(findings, hosts, "name", "is the name of both", ({ name }) => name);
  checkUnique(findings, hosts, "libvirtUri", "is the libvirt of both", (each) => {
    const remote = remoteOf(each);
    return remote === undefined ? HERE : endpoint(remote.host, remote.port);
  });
  checkUnique(findings, hosts, "underlay", "is the address of both", ({ underlay }) => underlay);
  for (const [index, { libvirtUri, hostKey }] of hosts.entries()) {
    if (!libvirtUri.startsWith("qemu+ssh:") || hostKey !== undefined) continue;
    const message = "is missing, and nobody else vouches for the host";
    const fix = "write what `ssh-keyscan -t ed25519 HOST` prints after the host's name";
    findings.add({ key: `hosts[${index}].hostKey`, message, fix });
  }
  checkUnderlays(findings, config, hosts);
  if (hosts.length > 1 || hosts[0]?.underlay !== undefined) checkJoined(findings, hosts);
}

/** An underlay is a network of the hosts' own: the segments are in it. The hosts know nothing of the VIPs' networks. */
function checkUnderlays(findings: Findings, config: Config, hosts: readonly HostDraft[]): void {
  const { clientNetwork, serverNetwork } = config;
  const own = [
    { key: "clientNetwork.cidr", cidr: clientNetwork.cidr },
    { key: "serverNetwork.cidr", cidr: serverNetwork.cidr },
    { key: "clientNetwork.cidr6", cidr: clientNetwork.cidr6 },
    { key: "serverNetwork.cidr6", cidr: serverNetwork.cidr6 },
  ];
  for (const [index, { underlay: value }] of hosts.entries()) {
    if (value === undefined) continue;
    const reserved = RESERVED.find(({ cidr }) => Prefix.parse(cidr).contains(value));
    const inside = own.find(({ cidr }) => cidr !== undefined && Prefix.parse(cidr).contains(value));
    const message =
      reserved !== undefined
        ? `is in ${reserved.cidr}, which is ${reserved.what}`
        : inside !== undefined
          ? `is in ${inside.key} ${inside.cidr}, which VXLAN is to carry`
          : undefined;
    if (message === undefined) continue;
    const fix = "write the host's address on a network that the hosts share";
    findings.add({ key: `hosts[${index}].underlay`, value, message, fix });
  }
}

function checkUnique(
  findings: Findings,
  hosts: readonly HostDraft[],
  field: "name" | "libvirtUri" | "underlay",
  says: string,
  valueOf: (host: HostDraft) => string | undefined,
): void {
  const first = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    const value = valueOf(host);
    if (value === undefined) continue;
    const other = first.get(value);
    first.set(value, other ?? index);
    if (other === undefined) continue;
    const message = `${says} hosts[${other}] and hosts[${index}]`;
    findings.add({ key: `hosts[${index}].${field}`, value: host[field], message, fix: "give each its own" });
  }
}

/** Each segment is one layer 2 network: by bridges on all hosts, or by VXLAN between all of them. */
function checkJoined(findings: Findings, hosts: readonly HostDraft[]): void {
  const tunnelled = hosts.some(({ underlay }) => underlay !== undefined);
  const families = new Set(
    hosts.flatMap(({ underlay }) => (underlay === undefined ? [] : [familyOf(underlay)])),
  );
  for (const [index, { name, underlay, bridges }] of hosts.entries()) {
    const key = `hosts[${index}]`;
    if (tunnelled && underlay === undefined) {
      const message = `is missing, and VXLAN joins the other hosts: ${name} would be cut off`;
      findings.add({ key: `${key}.underlay`, message, fix: "write its address among the hosts" });
    }
    for (const network of ["client", "server"] as const) {
      const bridge = bridges?.[network];
      if (tunnelled && bridge !== undefined) {
        const message = "is given where VXLAN joins the hosts, which brings a bridge of its own";
        const fix = "leave the bridges out, or underlay on all hosts";
        findings.add({ key: `${key}.bridges.${network}`, value: bridge, message, fix });
      } else if (!tunnelled && bridge === undefined) {
        const message = `is missing, and nothing joins the ${network} segment of ${name} to the other hosts'`;
        const fix = "name a bridge that is on one layer 2 network with theirs, or set underlay on all hosts";
        findings.add({ key: `${key}.bridges.${network}`, message, fix });
      }
    }
  }
  if (families.size > 1) {
    const message = "addresses of both families are given, and a tunnel has one";
    findings.add({ key: "hosts[].underlay", message, fix: "write all of IPv4, or all of IPv6" });
  }
}

function checkPlacement(findings: Findings, config: Config): void {
  const names = config.hosts === undefined ? [] : hostsOf(config).map(({ name }) => name);
  const nodes = [
    { key: "client", host: config.client.host },
    { key: "router", host: config.router.host },
    { key: "director", host: config.director.host },
    ...(config.directors ?? []).map(({ host }, index) => ({ key: `directors[${index}]`, host })),
    ...(config.realServers ?? []).map(({ host }, index) => ({ key: `realServers[${index}]`, host })),
  ];
  for (const { key, host } of nodes) {
    if (host === undefined || names.includes(host)) continue;
    const message = names.length === 0 ? "names one of hosts, and there are none" : "is none of hosts";
    const fix = names.length === 0 ? "add hosts, or remove it" : `choose one of ${names.join(", ")}`;
    findings.add({ key: `${key}.host`, value: host, message, fix }, "hosts");
  }
  if (config.directors !== undefined && config.director.host !== undefined) {
    const message = "is given beside directors, which has the directors one by one";
    findings.add({ key: "director.host", message, fix: "write it as directors[0].host" }, "directors");
  }
}
