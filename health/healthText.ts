/** The health as people read it. */
import type { Health } from "../model/health";
import { endpoint } from "../model/lab/address";
import { serviceTitle } from "../model/lab/target";

export function renderHealth(health: Health): string {
  const lines = [
    `${health.status}, observed at ${health.observedAt}, configuration ${health.configHash.slice(0, 12)}`,
  ];
  for (const service of health.services) {
    const persistence = service.persistent === null ? "" : `, persistent ${service.persistent} s`;
    const sorry = service.sorry ? ", the sorry server answers" : "";
    lines.push(
      `  ${serviceTitle(service)} ${service.scheduler}${persistence}${sorry}`,
      ...service.realServers.map(
        (server) =>
          `    ${server.name.padEnd(8)} ${endpoint(server.address, server.port).padEnd(21)} ${server.state.padEnd(8)}` +
          ` weight ${server.weight} of ${server.configuredWeight}` +
          `, connections ${server.activeConnections} active ${server.inactiveConnections} inactive`,
      ),
    );
  }
  for (const { name, role, holdsVip, sync, table, lastTransition } of health.directors ?? [])
    lines.push(
      `  ${name.padEnd(10)} ${role.padEnd(8)} ${holdsVip ? "holds the VIP" : "VIP not here"}, connection sync ${sync}, table ${table}` +
        (lastTransition === null ? "" : `, since ${lastTransition}`),
    );
  lines.push(...health.problems.map((problem) => `  ! ${problem}`));
  return lines.join("\n");
}
