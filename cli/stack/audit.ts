/** After `down`: is anything of this stack left anywhere? */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { askEach } from "../../lib/askEach";
import { STACK_LOCK } from "./context";
import { HOST_DIRECTORIES, links, type HostDirectories, type Taps } from "./hostTraces";
import { contents } from "./stackDirectory";
import type { StackNames, Virsh } from "./virsh";

export interface AuditScope extends StackNames {
  /** Names of the two bridges, without those that were there before. */
  readonly bridges: readonly string[];
  /** The stack's own directory of state and seeds. */
  readonly directory: string;
  /** Where connections to its guests are kept open. */
  readonly connections: string;
  /** The guests' interfaces on this host while they ran. */
  readonly taps: Taps;
  /** All guests were on other hosts: what is on this one is none of theirs. */
  readonly remote: boolean;
}

/** What is in a stack's directory, apart from the lock of whoever looks, with which the rest goes in the end. */
export function stackFiles(directory: string): string[] {
  return contents(directory).filter((name) => name !== `${STACK_LOCK}.lock`);
}

async function interfaces({ bridges, taps }: AuditScope): Promise<string[]> {
  const all = await links();
  const own = bridges.filter((bridge) => all.some(({ ifname }) => ifname === bridge));
  // A name may be another guest's by now; its index is not.
  const left = all.filter(
    ({ ifname, ifindex, master }) =>
      taps.get(ifname) === ifindex || (master !== undefined && own.includes(master)),
  );
  return [...own.map((bridge) => `bridge ${bridge}`), ...left.map(({ ifname }) => `tap ${ifname}`)];
}

/** Of a network's DHCP and DNS, which libvirt keeps by the network's name and by the bridge's. */
function networkFiles({ bridges, prefix }: AuditScope, { dnsmasq }: HostDirectories): string[] {
  const own = [...bridges, `${prefix}-client`, `${prefix}-server`];
  return contents(dnsmasq)
    .filter((file) => own.some((name) => file.startsWith(`${name}.`)))
    .map((file) => join(dnsmasq, file));
}

/** Everything found, one a line; empty when the stack is gone without a trace. */
export async function audit(
  hosts: readonly { readonly name: string; readonly virsh: Virsh }[],
  scope: AuditScope,
  host: HostDirectories = HOST_DIRECTORIES,
): Promise<string[]> {
  const [objects, devices] = await Promise.all([
    askEach(hosts, async ({ name, virsh }) => {
      const found = await objectsOf(virsh, scope);
      return name === "" ? found : found.map((each) => `${each} on ${name}`);
    }),
    scope.remote ? [] : interfaces(scope),
  ]);
  const files = [
    ...(scope.remote ? [] : [join(host.images, scope.prefix), ...networkFiles(scope, host)]),
    ...(stackFiles(scope.directory).length > 0 ? [scope.directory] : []),
    scope.connections,
  ].filter((path) => existsSync(path));
  return [...objects.flat(), ...devices, ...files.map((path) => `file ${path}`)];
}

/** What one libvirt has of the stack's. */
async function objectsOf(virsh: Virsh, scope: AuditScope): Promise<string[]> {
  const [domains, networks, pools, volumes] = await Promise.all([
    virsh.domains(scope),
    virsh.networks(scope),
    virsh.pools(scope),
    virsh.volumes(scope),
  ]);
  return [
    ...[...domains].map(([name, state]) => `domain ${name} (${state})`),
    ...networks.map((name) => `network ${name}`),
    ...pools.map((name) => `pool ${name}`),
    ...volumes.map((name) => `volume ${name}`),
  ];
}
