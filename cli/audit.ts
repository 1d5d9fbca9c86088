/** After `down`: is anything of this stack left anywhere? */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { command, type StackNames, type Virsh } from "./virsh";

export interface AuditScope extends StackNames {
  /** The two bridges' names. */
  readonly bridges: readonly string[];
  /** The stack's own directory of state and seeds. */
  readonly directory: string;
}

/** Everything found, one a line; empty when the stack is gone without a trace. */
export async function audit(virsh: Virsh, scope: AuditScope): Promise<string[]> {
  const [domains, networks, pools, volumes, links] = await Promise.all([
    virsh.domains(scope),
    virsh.networks(scope),
    virsh.pools(scope),
    virsh.volumes(scope),
    command("ip", ["-o", "link", "show", "type", "bridge"]),
  ]);
  const files = [join("/var/lib/libvirt/images", scope.prefix), scope.directory].filter((path) =>
    existsSync(path),
  );
  return [
    ...[...domains].map(([name, state]) => `domain ${name} (${state})`),
    ...networks.map((name) => `network ${name}`),
    ...pools.map((name) => `pool ${name}`),
    ...volumes.map((name) => `volume ${name}`),
    ...scope.bridges
      .filter((bridge) => links.stdout.includes(` ${bridge}:`))
      .map((bridge) => `bridge ${bridge}`),
    ...files.map((path) => `file ${path}`),
  ];
}
