/**
 * Is ldirectord alive, does it run on its current configuration, and does it check? A daemon whose configuration was
 * bad at a reload may keep running and check nothing, and its own `status` only looks for the process. So each is
 * proven by effects:
 * - alive: the processes, of which with fork=yes each service has its own, are there and not stopped;
 * - current: the file is older than the daemon's last reading of it; with fork=yes a reload replaces the services'
 *   processes, so that their age tells;
 * - checking: a real server closes each check's connection, which then stays in TIME-WAIT there for 60 s: the youngest
 *   one says when the last check was. A server that is up in the table must have been checked within the time that
 *   detection takes.
 */
import { detectionSeconds } from "../model/invariantsHealth";
import type { RealServerHealth } from "../model/health";
import type { Lab, VirtualService } from "../model/types";

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

export interface CheckSight {
  /** Seconds since the director's last check of this server ended; absent when none is remembered. */
  readonly lastCheck?: number;
  /** The kernel remembers no more connections, so that nothing can be told. */
  readonly full: boolean;
}

export interface CheckerHealth {
  readonly alive: boolean;
  /** Runs on the configuration that is in its file. */
  readonly configCurrent: boolean;
  /** null: cannot be told, since no server is up or the kind of check leaves no trace. */
  readonly checking: boolean | null;
  /** Seconds since each real server's last check, to a second; null where none is remembered. */
  readonly lastCheckSeconds: Readonly<Record<string, number | null>>;
  readonly problems: readonly string[];
}

/** How long a closed connection is remembered: the kernel's TCP_TIMEWAIT_LEN, seconds. */
const TIME_WAIT = 60;
/** From here up are the lab's own ports (diagnosis), above the kernel's ephemeral ones. */
const OWN_PORTS = 61_000;

/** Bash for the director: builtins and one process, since each that starts costs a guest without KVM some 20 ms or more. */
export const CHECKER_SCRIPT = `
echo '== checker'
read -r up _ </proc/uptime
echo "up $up"
if [[ -r /sys/fs/cgroup/system.slice/lvs-dr-ldirectord.service/cgroup.procs ]]; then
  while read -r each; do
    read -r stat <"/proc/$each/stat" || continue
    mapfile -d '' -t title <"/proc/$each/cmdline"
    read -r -a fields <<<"\${stat##*) }"
    echo "process $each \${fields[0]} \${fields[19]} \${title[*]}"
  done </sys/fs/cgroup/system.slice/lvs-dr-ldirectord.service/cgroup.procs
fi 2>/dev/null
stat -c 'file %n %Y' /etc/ha.d/ldirectord.cf /run/lvs-dr-reloaded 2>/dev/null || true
echo "now $EPOCHSECONDS"
`;

/** Ticks a second of /proc/PID/stat: USER_HZ, 100 on every architecture the guests have. */
const HZ = 100;

export function parseChecker(section: string): CheckerFacts {
  const up = Number(/^up ([\d.]+)$/m.exec(section)?.[1] ?? NaN);
  const now = Number(/^now (\d+)$/m.exec(section)?.[1] ?? NaN);
  const fileAge = (name: string): number | undefined => {
    const match = new RegExp(`^file \\S*${name} (\\d+)$`, "m").exec(section);
    return match === null ? undefined : now - Number(match[1]);
  };
  const file = fileAge("ldirectord\\.cf");
  const reload = fileAge("lvs-dr-reloaded");
  return {
    // The daemon is the eldest; ldirectord starts other programs too, for a moment.
    processes: [...section.matchAll(/^process (\d+) (\w) (\d+) ?(.*)$/gm)]
      .map(([, pid, state = "", start, title = ""]) => ({
        pid: Number(pid),
        state,
        age: up - Number(start) / HZ,
        title,
      }))
      .filter(({ title }) => title.includes("ldirectord"))
      .sort((a, b) => b.age - a.age || a.pid - b.pid),
    ...(file === undefined ? {} : { fileAge: file }),
    ...(reload === undefined ? {} : { reloadAge: reload }),
  };
}

/** Bash for a real server: what it remembers of connections from the director. */
export function checkSightScript(dip: string): string {
  return `
echo '== checks'
read -r max </proc/sys/net/ipv4/tcp_max_tw_buckets
while read -r -a words; do
  [[ \${words[0]} == TCP: ]] && echo "remembered \${words[6]} of $max"
done </proc/net/sockstat
ss -Htno state time-wait dst ${dip}
`;
}

/** ss(8) prints a timer as "1min5sec", "59sec", "5.492ms" (5 s and 492 ms) or "740ms". */
function timerSeconds(text: string): number {
  const match = /^(?:(\d+)min)?(?:(\d+)(?:sec|\.))?(?:(\d+)ms)?$/.exec(text);
  if (match === null) return NaN;
  const [, minutes = "0", seconds = "0", milliseconds = "0"] = match;
  return Number(minutes) * 60 + Number(seconds) + Number(milliseconds) / 1000;
}

/** @param port that is checked */
export function parseCheckSight(section: string, port: number): CheckSight {
  const [, remembered, max] = /^remembered (\d+) of (\d+)$/m.exec(section) ?? [];
  const left = [...section.matchAll(/:(\d+)\s+\S+:(\d+)\s+timer:\(timewait,([^,]+),/g)]
    .filter(([, local, remote]) => Number(local) === port && Number(remote) < OWN_PORTS)
    .map(([, , , timer = ""]) => timerSeconds(timer))
    .filter((seconds) => !Number.isNaN(seconds));
  return {
    ...(left.length > 0 ? { lastCheck: Math.max(0, TIME_WAIT - Math.max(...left)) } : {}),
    full: Number(remembered) >= 0.9 * Number(max),
  };
}

/** Whether checks of this kind are TCP connections, which leave a trace. */
function leavesTrace({ check }: VirtualService): boolean {
  const { checktype } = check;
  if (checktype === "negotiate") return !["dns", "radius", "sip"].includes(check.service ?? "");
  return checktype === "connect" || typeof checktype === "number";
}

/** Seconds within which every real server must have been checked again. */
export function checkLimit(service: VirtualService): number {
  // The timer is a second coarse, and a guest without KVM some more slow.
  return detectionSeconds(service, service.realServers.length) + service.check.checkinterval + 1;
}

/** @param sights by real server's name; absent for one that could not be asked */
export function judgeChecker(
  lab: Lab,
  facts: CheckerFacts,
  sights: ReadonlyMap<string, CheckSight>,
  servers: readonly RealServerHealth[],
): CheckerHealth {
  const [service] = lab.services;
  const problems: string[] = [];
  const alive = judgeAlive(lab, facts, problems);
  const configCurrent = alive && judgeCurrent(lab, facts, problems);
  const lastCheckSeconds = Object.fromEntries(
    servers.map(({ name }) => [name, sights.get(name)?.lastCheck ?? null]),
  );
  const limit = checkLimit(service);
  const told = servers.filter(({ name }) => sights.has(name) && sights.get(name)?.full !== true);
  const stale = told.filter(
    ({ name, state }) => state === "up" && (sights.get(name)?.lastCheck ?? Infinity) > limit,
  );
  let checking: boolean | null = null;
  if (leavesTrace(service) && limit < TIME_WAIT) {
    if (stale.length > 0) checking = false;
    else if (told.some(({ name }) => (sights.get(name)?.lastCheck ?? Infinity) <= limit)) checking = true;
  }
  if (checking === false) {
    const names = stale.map(({ name }) => {
      const last = sights.get(name)?.lastCheck;
      return `${name} (${last === undefined ? `none for ${TIME_WAIT} s` : `last ${last.toFixed(0)} s ago`})`;
    });
    problems.push(
      `${lab.director.name}: ldirectord does not check ${names.join(", ")}; every ${limit} s at most was due`,
    );
  }
  return { alive, configCurrent, checking, lastCheckSeconds, problems };
}

function judgeAlive(lab: Lab, { processes }: CheckerFacts, problems: string[]): boolean {
  const say = (what: string): false => {
    problems.push(`${lab.director.name}: ${what}`);
    return false;
  };
  if (processes.length === 0) return say("ldirectord does not run");
  const stopped = processes.find(({ state }) => state === "T" || state === "Z");
  if (stopped)
    return say(`ldirectord's process ${stopped.pid} is ${stopped.state === "T" ? "stopped" : "a zombie"}`);
  if (!lab.ldirectord.fork) return true;
  const idle = lab.services.find(
    ({ protocol, vip, port }) => !processes.some(({ title }) => title.includes(`${protocol}:${vip}:${port}`)),
  );
  return idle === undefined || say(`ldirectord has no process for service ${idle.name}`);
}

function judgeCurrent(
  lab: Lab,
  { processes, fileAge, reloadAge }: CheckerFacts,
  problems: string[],
): boolean {
  if (fileAge === undefined) {
    problems.push(`${lab.director.name}: /etc/ha.d/ldirectord.cf is missing`);
    return false;
  }
  const [daemon, ...children] = processes;
  const readAge = lab.ldirectord.fork
    ? Math.max(...children.map(({ age }) => age))
    : Math.min(daemon?.age ?? Infinity, reloadAge ?? Infinity);
  if (lab.ldirectord.autoreload || fileAge >= readAge - 2) return true;
  problems.push(
    `${lab.director.name}: ldirectord.cf changed ${fileAge} s ago, after the daemon had read it ${readAge.toFixed(0)} s ago`,
  );
  return false;
}
