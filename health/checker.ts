/**
 * Is the daemon that checks alive, does it run on its current configuration, and does it check? A daemon whose configuration was
 * bad at a reload may keep running and check nothing, and ldirectord's own `status` only looks for the process. So each is
 * proven by effects:
 * - alive: the processes, of which with fork=yes each service has its own, are there and not stopped;
 * - current: the file is older than the daemon's last reading of it; with fork=yes a reload replaces the services'
 *   processes, so that their age tells;
 * - checking: a real server closes each check's connection, which then stays in TIME-WAIT there for 60 s: the youngest
 *   one says when the last check was. A server that is up in the table must have been checked within the time that
 *   detection takes, and that for each service: with fork=yes each is another process's to check.
 */
import { TIME_WAIT, type CheckSight } from "./checkSight";
import { checkService } from "../model/director/checkServices";
import { controlPlane, type CheckerDaemon } from "../model/director/controlPlane";
import type { ServiceHealth } from "../model/health";
import { problemOf, type Problem } from "../model/lab/problem";
import type { Lab, VirtualService } from "../model/lab/types";

export interface CheckerProcess {
  readonly pid: number;
  /** State letter of /proc/PID/stat: R, S, D, T (stopped), Z. */
  readonly state: string;
  /** Seconds since it started. */
  readonly age: number;
  /** Its title, e.g. "ldirectord tcp:10.0.0.100:80". */
  readonly title: string;
}

export interface CheckerFacts {
  /** The daemon first, then its children; none when it does not run. */
  readonly processes: readonly CheckerProcess[];
  /** Seconds since its file changed. */
  readonly fileAge?: number;
  /** Seconds since it was last told to read its file. */
  readonly reloadAge?: number;
}

export interface CheckerHealth {
  /** ldirectord or keepalived. */
  readonly daemon: string;
  /** null: the director could not be asked. */
  readonly alive: boolean | null;
  /** Runs on the configuration that is in its file; null: cannot be told, since with autoreload it reads by itself. */
  readonly configCurrent: boolean | null;
  /** Of all services that tell; null: none does, since no server is up or the kind of check leaves no trace. */
  readonly checking: boolean | null;
  /** By service and real server: seconds since its last check, to a second; null where none is remembered. */
  readonly lastCheckSeconds: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
  /**
   * By service: seconds from one round of its checks to the next as its real servers see it, the slowest one's, and the configured pause
   * between two rounds, which is a part of it. `measured` is null where it leaves no trace, or a minute has not seen two.
   */
  readonly roundSeconds: Readonly<
    Record<string, { readonly configured: number; readonly measured: number | null }>
  >;
  /** One sentence each; `Health.findings` has them as data. */
  readonly problems: readonly string[];
}

/** What can be said while the director does not answer. */
export const unasked = ({ name }: CheckerDaemon): CheckerHealth => ({
  daemon: name,
  alive: null,
  configCurrent: null,
  checking: null,
  lastCheckSeconds: {},
  roundSeconds: {},
  problems: [],
});

/** What a daemon may need from its start to its first checks, on a busy guest without KVM. */
const START_SECONDS = 20;
/** Bash for the director: builtins and one process, since each that starts costs a guest without KVM some 20 ms or more. */
export const checkerScript = ({ unit, file, told }: CheckerDaemon): string => `
echo '== checker'
read -r up _ </proc/uptime
echo "up $up"
if [[ -r /sys/fs/cgroup/system.slice/${unit}/cgroup.procs ]]; then
  while read -r each; do
    read -r stat <"/proc/$each/stat" || continue
    mapfile -d '' -t title <"/proc/$each/cmdline"
    read -r -a fields <<<"\${stat##*) }"
    echo "process $each \${fields[0]} \${fields[19]} \${title[*]}"
  done </sys/fs/cgroup/system.slice/${unit}/cgroup.procs
fi 2>/dev/null
stat -c 'file %n %Y' ${file} ${told} 2>/dev/null || true
echo "now $EPOCHSECONDS"
`;

/** Ticks a second of /proc/PID/stat: USER_HZ, 100 on every architecture the guests have. */
const HZ = 100;

export function parseChecker(section: string, daemon: CheckerDaemon): CheckerFacts {
  const up = Number(/^up ([\d.]+)$/m.exec(section)?.[1] ?? NaN);
  const now = Number(/^now (\d+)$/m.exec(section)?.[1] ?? NaN);
  const fileAge = (name: string): number | undefined => {
    const line = section.split("\n").find((each) => each.startsWith(`file ${name} `));
    return line === undefined ? undefined : now - Number(line.split(" ")[2]);
  };
  const file = fileAge(daemon.file);
  const reload = fileAge(daemon.told);
  return {
    // The daemon is the eldest; it starts other programs too, for a moment.
    processes: [...section.matchAll(/^process (\d+) (\w) (\d+) ?(.*)$/gm)]
      .map(([, pid, state = "", start, title = ""]) => ({
        pid: Number(pid),
        state,
        age: up - Number(start) / HZ,
        title,
      }))
      .filter(({ title }) => title.includes(daemon.name))
      .sort((a, b) => b.age - a.age || a.pid - b.pid),
    ...(file === undefined ? {} : { fileAge: file }),
    ...(reload === undefined ? {} : { reloadAge: reload }),
  };
}

/** The port of its real servers that a service's check connects to. */
export function checkedPort({ check, port }: VirtualService): number {
  return check.checkport ?? port;
}

/**
 * Whether checks of this kind leave a trace: connections that the real server closes first. Those of a connect check the director closes,
 * and so of a number's connects between two negotiate checks.
 */
function leavesTrace({ check }: VirtualService): boolean {
  const { udp, closes } = checkService(check.service);
  return check.checktype === "negotiate" && udp !== true && closes !== true;
}

/** Seconds within which every real server must have been checked again. */
export function checkLimit(service: VirtualService, lab: Lab): number {
  const { check, realServers } = service;
  // The timer is a second coarse, and a guest without KVM some more slow.
  return controlPlane(lab).detectionSeconds(service, realServers.length, lab) + check.checkinterval + 1;
}

/** What is remembered of one service's checks, by real server's name; absent for one that could not be asked. */
export type ServiceSights = ReadonlyMap<string, CheckSight>;

/** @param sights of the services in the lab's order, as `services` */
export function judgeChecker(
  lab: Lab,
  daemon: CheckerDaemon,
  facts: CheckerFacts,
  sights: readonly ServiceSights[],
  services: readonly ServiceHealth[],
): { readonly checker: CheckerHealth; readonly findings: readonly Problem[] } {
  const findings: Problem[] = [];
  const alive = judgeAlive(lab, daemon, facts, findings);
  const runs = facts.processes.length > 0;
  const configCurrent = alive && judgeCurrent(lab, daemon, facts, findings);
  // The parent's: a child that dies at every check and is started again would always be young.
  const daemonAge = facts.processes[0]?.age ?? Infinity;
  // A daemon that does not run checks nothing: that is one fact, not two.
  const verdicts = lab.services.map((service, i) =>
    !runs
      ? false
      : judgeChecking(
          lab,
          daemon,
          service,
          sights[i] ?? new Map(),
          services[i]?.realServers ?? [],
          daemonAge,
          findings,
        ),
  );
  const lastCheckSeconds = Object.fromEntries(
    lab.services.map(({ name, realServers }, i) => [
      name,
      Object.fromEntries(
        realServers.map((server) => [server.name, sights[i]?.get(server.name)?.lastCheck ?? null]),
      ),
    ]),
  );
  const roundSeconds = Object.fromEntries(
    lab.services.map((service, i) => [
      service.name,
      {
        configured: service.check.checkinterval,
        measured: roundOf(lab, daemon, service, sights[i] ?? new Map()),
      },
    ]),
  );
  const checking = verdicts.includes(false) ? false : verdicts.includes(true) ? true : null;
  const problems = findings.map(({ text }) => text);
  const seen = { alive, configCurrent, checking, lastCheckSeconds, roundSeconds, problems };
  return { checker: { daemon: daemon.name, ...seen }, findings };
}

/** Whether a connection does not say for which service it was: another process may have made it. */
function sharesPort(lab: Lab, daemon: CheckerDaemon, service: VirtualService): boolean {
  const others = lab.services.filter(
    (each) => each !== service && checkedPort(each) === checkedPort(service),
  );
  return daemon.forks(lab) && others.length > 0;
}

/** Seconds from one round of a service's checks to the next, to a tenth; null: cannot be told. */
function roundOf(
  lab: Lab,
  daemon: CheckerDaemon,
  service: VirtualService,
  sights: ServiceSights,
): number | null {
  if (!leavesTrace(service) || sharesPort(lab, daemon, service)) return null;
  const seen = [...sights.values()].flatMap(({ every, full }) =>
    every === undefined || full ? [] : [every],
  );
  return seen.length === 0 ? null : Math.round(Math.max(...seen) * 10) / 10;
}

/** Whether one service's servers are checked; null: cannot be told. */
function judgeChecking(
  lab: Lab,
  daemon: CheckerDaemon,
  service: VirtualService,
  sights: ServiceSights,
  servers: ServiceHealth["realServers"],
  daemonAge: number,
  problems: Problem[],
): boolean | null {
  const limit = checkLimit(service, lab);
  if (!leavesTrace(service) || limit >= TIME_WAIT) return null;
  const told = servers.filter(({ name }) => sights.has(name) && sights.get(name)?.full !== true);
  const stale = told.filter(
    ({ name, state }) => state === "up" && (sights.get(name)?.lastCheck ?? Infinity) > limit,
  );
  if (stale.length === 0) {
    if (sharesPort(lab, daemon, service)) return null;
    return told.some(({ name }) => (sights.get(name)?.lastCheck ?? Infinity) <= limit) ? true : null;
  }
  if (daemonAge < limit + START_SECONDS) return null;
  const names = stale.map(({ name }) => {
    const last = sights.get(name)?.lastCheck;
    return `${name} (${last === undefined ? `none for ${TIME_WAIT} s` : `last ${last.toFixed(0)} s ago`})`;
  });
  const which = lab.services.length > 1 ? ` for service ${service.name}` : "";
  const text = `${daemon.name} does not check ${names.join(", ")}${which}; a check is due every ${limit} s at most`;
  problems.push(problemOf(lab.directors[0].name, "checker-not-checking", text, service.name));
  return false;
}

/**
 * That the daemon does not run at all is the director's own script's to say. One that has just started checks all services once
 * before it gives each a process of its own.
 */
function judgeAlive(
  lab: Lab,
  { name, idle: idleOf }: CheckerDaemon,
  { processes }: CheckerFacts,
  problems: Problem[],
): boolean {
  const director = lab.directors[0].name;
  const stopped = processes.find(({ state }) => state === "T" || state === "Z");
  const idle = idleOf(
    lab,
    processes.map(({ title }) => title),
  );
  if (processes.length === 0) return false;
  if (stopped) {
    const how = stopped.state === "T" ? "stopped" : "a zombie";
    problems.push(problemOf(director, "checker-stopped", `${name}'s process ${stopped.pid} is ${how}`));
  } else if (idle !== undefined && (processes[0]?.age ?? 0) >= START_SECONDS) {
    const text = `${name} has no process for service ${idle.name}`;
    problems.push(problemOf(director, "checker-stopped", text, idle.name));
  } else return true;
  return false;
}

function judgeCurrent(
  lab: Lab,
  { name, file, forks }: CheckerDaemon,
  { processes, fileAge, reloadAge }: CheckerFacts,
  problems: Problem[],
): boolean | null {
  if (fileAge === undefined) {
    // That it is missing is the director's own script's to say.
    return false;
  }
  const [parent, ...children] = processes;
  const readAge = forks(lab)
    ? Math.max(...children.map(({ age }) => age))
    : Math.min(parent?.age ?? Infinity, reloadAge ?? Infinity);
  if (fileAge >= readAge - 2) return true;
  // It may have read the file since by itself, which leaves no trace.
  if (lab.ldirectord.autoreload) return null;
  const text = `${file} changed ${fileAge} s ago, after ${name} had read it ${readAge.toFixed(0)} s ago`;
  problems.push(problemOf(lab.directors[0].name, "checker-config-stale", text));
  return false;
}
