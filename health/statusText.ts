/** The status as people read it. */
import { serviceTitle } from "../model/lab/target";
import { renderHealth } from "./healthText";
import type { CheckerHealth } from "./checker";
import type { Counters, Status } from "./status";

function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function countersText({ connections, incomingPackets, incomingBytes }: Counters): string {
  return `${connections} connections, ${incomingPackets} packets, ${bytes(incomingBytes)} in`;
}

/** Alive, current, checking: what is not so in capitals, what cannot be told as that. */
export function checkerText(checker: CheckerHealth | null): string {
  if (checker === null) return "none: the table is static";
  const { alive, configCurrent, checking } = checker;
  if (alive === null) return "unknown: the director could not be asked";
  return [
    alive ? "alive" : "NOT alive",
    configCurrent === null
      ? "cannot be told whether its configuration is current"
      : `configuration ${configCurrent ? "current" : "NOT current"}`,
    checking === null ? "cannot be told whether it checks" : checking ? "checking" : "NOT checking",
  ].join(", ");
}

function lastChecks(checker: CheckerHealth | null): string {
  const services = Object.entries(checker?.lastCheckSeconds ?? {});
  const texts = services.map(([service, servers]) => {
    const last = Object.entries(servers).map(
      ([name, seconds]) => `${name} ${seconds === null ? "unknown" : `${seconds.toFixed(0)} s ago`}`,
    );
    return `${services.length > 1 ? `${service}: ` : ""}${last.join(", ")}`;
  });
  return texts.length > 0 ? ` (last: ${texts.join("; ")})` : "";
}

function rounds(checker: CheckerHealth | null): string[] {
  return Object.entries(checker?.roundSeconds ?? {}).flatMap(([service, { configured, measured }]) =>
    measured === null
      ? []
      : [
          `  checks (${service}): a round every ${measured} s, of which ${configured} s are the configured pause`,
        ],
  );
}

export function renderStatus(status: Status): string {
  const { counters, detection, checker, hosts = [] } = status;
  const lines = [
    renderHealth(status),
    `  ${checker?.daemon ?? "checks"}: ${checkerText(checker)}${lastChecks(checker)}`,
    ...rounds(checker),
    ...hosts.map(
      ({ name, guests, reachable }) =>
        `  host ${name}: ${guests.join(", ") || "no guest"}${reachable === false ? ", NOT reachable" : ""}`,
    ),
  ];
  for (const { service, refused, silent, allSilent } of detection)
    lines.push(
      `  detection (${service}): ${refused} s when a server refuses, ${silent} s when it is silent, ${allSilent} s when all are`,
    );
  for (const service of counters.services) {
    lines.push(`  counted for ${serviceTitle(service)}: ${countersText(service)}`);
    lines.push(
      ...service.realServers.map((server) => `    ${server.name.padEnd(8)} ${countersText(server)}`),
    );
  }
  return lines.join("\n");
}
