/** ldirectord as the director's unit runs it: the unit's text is that of scripts/guest/director.sh, its lines run as systemd would. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Box, Running } from "./box";
import { changes, slowness, until, type Change } from "./table";

const GUEST = join(__dirname, "../../../scripts/guest");
const CF = "/etc/ha.d/ldirectord.cf";
const TABLE = "/srv/table";
const OUTPUT = "/srv/ldirectord.out";

/** Runs functions of director.sh with this host's bash; nothing but what `script` says is run. */
export function inDirectorScript(script: string, settings: Readonly<Record<string, string>> = {}): string {
  const all = {
    LVS_NODE: "director",
    LVS_IF: "lan",
    LVS_MODE: "ldirectord",
    LVS_SORRY_PORTS: "",
    LVS_MARKS: "",
    ...settings,
  };
  const text = `source "$1/common.sh"; source "$1/planes/ldirectord.sh"; source <(grep -v '^dispatch ' "$1/director.sh"); ${script}`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", text, "bash", GUEST], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", ...all },
  });
  if (status !== 0) throw new Error(`director.sh: exit ${status}: ${stderr}`);
  return stdout;
}

/** What the unit says: its environment, and its commands in systemd's spelling. */
export interface Unit {
  readonly environment: Readonly<Record<string, string>>;
  readonly start: string;
  readonly reload: readonly string[];
  readonly text: string;
}

export function unit(): Unit {
  // Nothing is written: `unit` shows what it is given, and what else the function does to the machine is left out.
  const text = inDirectorScript("unit() { cat; }; systemctl() { :; }; ln() { :; }; daemon_unit");
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map((match) => match[1] ?? "");
  const environment = values("Environment").map((value) =>
    value
      .replace(/^"(.*)"$/, "$1")
      .split(/=(.*)/s)
      .slice(0, 2),
  );
  const [start = ""] = values("ExecStart");
  return {
    environment: Object.fromEntries(environment) as Record<string, string>,
    start,
    reload: values("ExecReload"),
    text,
  };
}

/** A service's own process names itself after it. */
function isChecking(pid: number): boolean {
  try {
    return /^ldirectord (tcp|udp|fwm):/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return false;
  }
}

export class Daemon {
  private running: Running | undefined;
  private readonly unit = unit();

  constructor(private readonly box: Box) {}

  /** The configuration goes in by rename, as director.sh puts it. */
  configure(text: string): void {
    this.box.write(`${CF}.new`, text, 0o600);
    this.box.must(["mv", `${CF}.new`, CF]);
  }

  start(): void {
    this.running = this.box.start(this.unit.start.split(" "), OUTPUT, this.unit.environment);
  }

  /**
   * Waits until every service has a process of its own: before that, one process checks them all in turn.
   * @param seconds at most, on an idle machine
   */
  async forked(services: number, seconds: number): Promise<void> {
    await until(
      `${services} checking processes`,
      () => seconds * slowness(),
      () => {
        if (!this.process.alive) throw new Error(`ldirectord has ended: ${this.output.slice(-2000)}`);
        return this.checkers().length >= services;
      },
    );
  }

  /** The processes of services, as the host numbers them. */
  checkers(): number[] {
    return this.process.tree().filter(isChecking);
  }

  /** What it printed: its log too, as it is supervised. */
  get output(): string {
    return this.box.read(OUTPUT);
  }

  get process(): Running {
    if (this.running === undefined) throw new Error("the daemon was never started");
    return this.running;
  }

  /** `systemctl reload`: each line in turn, until one fails. @returns whether the daemon was told */
  reload(): boolean {
    return this.unit.reload.every((line) => {
      const command = line.replaceAll("$MAINPID", this.pidInside()).replaceAll("$$", "$");
      return this.box.run(["sh", "-c", command]).status === 0;
    });
  }

  /** The daemon's number in the box. */
  pidInside(): string {
    const status = spawnSync("sed", ["-n", "s/^NSpid:.*\\t//p", `/proc/${this.process.pid}/status`], {
      encoding: "utf8",
    });
    return status.stdout.trim();
  }

  get changes(): Change[] {
    return changes(this.box.path(TABLE));
  }
}
