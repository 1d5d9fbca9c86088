/** Moving the VIP by hand: what is asked before, what refuses it, and what is done. */
import { describe, expect, it } from "vitest";
import { failover } from "../../../failover/failover";
import { parseConfig } from "../../../model/config/config";
import { connections, SOCKETS, socketsOf } from "../../../model/director/ipvs/connections";
import type { GuestShell } from "../../../lib/ssh";
import { RS1, RS2, SERVICE } from "../model/assessed";

const labOf = (highAvailability: object = {}) =>
  parseConfig({ directors: [{}, {}], highAvailability }, { project: "lvs-dr", stack: "dev" });
const OPEN = "TCP 14:58 ESTABLISHED 172.18.7.70:40000 10.0.0.100:80 192.168.7.10:80";
const TEMPLATE = "TCP 09:58 NONE 172.18.7.70:0 10.0.0.100:80 192.168.7.10:80";
const OVER = "TCP 00:58 TIME_WAIT 172.18.7.70:40001 10.0.0.100:80 192.168.7.10:80";

interface Made {
  readonly lab?: ReturnType<typeof labOf>;
  /** What the standby's `lvs-dr status` says otherwise. */
  readonly standby?: Readonly<Record<string, string>>;
  readonly problem?: string;
  /** What the standby knows of the connections. */
  readonly known?: string;
  /** What it knows from its second answer on. */
  readonly later?: string;
  /** What rs1 says of its sockets; absent: it cannot be asked. */
  readonly sockets?: string;
}

/** Two directors, of which director1 holds the VIP until its keepalived is restarted. */
function guests({ lab = labOf(), standby = {}, problem, known = OPEN, later = known, sockets }: Made = {}) {
  let holder = "director1";
  let asked = 0;
  // keepalived begins in FAULT.
  const states = ["FAULT 1764381601.1", "FAULT 1764381601.1", "BACKUP 1764381603.2"];
  const done: string[] = [];
  const said: string[] = [];
  const status = (name: string): string => {
    const mine = name === holder;
    const values = {
      vrrp: mine ? "MASTER" : "BACKUP",
      vrrpSince: "1764381600",
      holdsVip: mine ? "yes" : "no",
      sync: "both",
      configHash: lab.configHash,
      ...(mine ? {} : standby),
    };
    return [
      ...Object.entries(values).map(([key, value]) => `${key}=${value}`),
      "== ipvsadm-save",
      ...[SERVICE, RS1, RS2],
      "== end",
      ...(mine || problem === undefined ? [] : [`problem=${problem}`]),
    ].join("\n");
  };
  const answer = (name: string, script: string): string => {
    if (script.startsWith("ip -o addr show")) return name === holder ? "2: eth0 inet 10.0.0.100/32" : "";
    if (script.endsWith("&& cat /run/lvs-dr/vrrp")) return states.shift() ?? "";
    return name.startsWith("director") ? status(name) : "";
  };
  const shell = {
    run: (name: string, script: string) => {
      if (script === SOCKETS)
        return Promise.resolve({ code: sockets === undefined ? 255 : 0, stdout: sockets ?? "", stderr: "" });
      const stdout = answer(name, script);
      return Promise.resolve({ code: stdout.includes("problem=") ? 1 : 0, stdout, stderr: "" });
    },
    check: (name: string, script: string) => {
      if (script.startsWith("ipvsadm"))
        return Promise.resolve(name === "director1" ? `${OPEN}\n${OVER}` : asked++ === 0 ? known : later);
      done.push(`${name}: ${script}`);
      holder = "director2";
      return Promise.resolve("");
    },
  } as unknown as GuestShell;
  const move = (options: { to?: string; force?: boolean; toldWithin?: number } = {}) =>
    failover(shell, lab, { toldWithin: 0, ...options, say: (line) => said.push(line) });
  return { move, done, said, states };
}

const RESTART = "director1: systemctl restart --no-block lvs-dr-keepalived.service";

describe("failover", () => {
  it("tells what the target knows, and has the active director begin anew", async () => {
    const { move, done, said, states } = guests();
    expect(await move()).toMatchObject({ from: "director1", to: "director2" });
    expect(said).toEqual(["director2 knows 1 of the 1 open connections of director1"]);
    expect(done).toEqual([RESTART]);
    // It has waited until director1 stands by.
    expect(states).toEqual([]);
  });

  it("does nothing where the target holds the VIP already", async () => {
    const { move, done } = guests();
    expect(await move({ to: "director1" })).toBeUndefined();
    expect(done).toEqual([]);
  });

  it.each([
    [
      "a name that nobody has",
      {},
      { to: "rs1" },
      "no director is called 'rs1'; there are director1, director2",
    ],
    [
      "a target that is cut off",
      { standby: { vrrp: "FAULT" } },
      {},
      "director2 could not take over: its role is fault",
    ],
    [
      "a target with a problem",
      { problem: "unit-inactive\t\tx\tunit x does not run" },
      {},
      "unit x does not run",
    ],
    [
      "a target that would lose it again",
      { lab: labOf({ failback: "automatic" }) },
      {},
      "failback is automatic",
    ],
  ])("refuses %s, and touches nothing", async (_what, made: Made, options, reason) => {
    const { move, done } = guests(made);
    await expect(move(options)).rejects.toThrow(reason);
    expect(done).toEqual([]);
  });

  it("refuses a target that is not told of a connection, unless forced", async () => {
    const { move, done, said } = guests({ known: "" });
    await expect(move()).rejects.toThrow(
      "director2 does not know 1 open connections, which would end: 172.18.7.70:40000 > 10.0.0.100:80",
    );
    expect(done).toEqual([]);
    await move({ force: true });
    expect(done).toEqual([RESTART]);
    expect(said.at(-1)).toMatch(/^forced though director2 does not know 1 open/);
  });

  it("counts a connection that its real server has, and not one that has ended there", async () => {
    const sockets = "ESTAB 0 0 10.0.0.100:80 172.18.7.70:40000";
    await expect(guests({ known: "", sockets }).move()).rejects.toThrow("does not know 1 open connections");
    const { move, done, said } = guests({ known: "", sockets: sockets.replace("40000", "40002") });
    await move();
    expect(done).toEqual([RESTART]);
    expect(said).toEqual([
      "director2 knows 0 of the 0 open connections of director1; 1 more in its table ended, as their real servers say",
    ]);
  });

  it("of a lab with one director is refused", async () => {
    const { move } = guests({ lab: parseConfig({}, { project: "lvs-dr", stack: "dev" }) });
    await expect(move()).rejects.toThrow("stack dev has one director");
  });
});

it("one that is over, or was opened a moment ago, is not waited for", async () => {
  const { move, done } = guests({ known: OVER, later: OPEN });
  await move({ toldWithin: 5 });
  expect(done).toEqual([RESTART]);
});

it("a connection counts while it is open, and at a VIP of the lab", () => {
  const other = OPEN.replace("10.0.0.100:80", "10.0.0.99:80");
  expect([...connections(labOf(), [OPEN, TEMPLATE, OVER, other].join("\n"), true)]).toEqual([
    "172.18.7.70:40000 > 10.0.0.100:80 > 192.168.7.10:80",
  ]);
});

it("a real server's connections are read in both families, and from a program that listens for both", () => {
  const text = [
    "ESTAB      0 0        10.0.0.100:80          172.18.7.70:40000",
    "CLOSE-WAIT 1 0  [::ffff:10.0.0.100]:80 [::ffff:172.18.7.70]:40001 ",
    "ESTAB      0 0       [fd00:10::64]:80     [fd00:18::46]:40002",
    "",
  ].join("\n");
  expect([...socketsOf(text)]).toEqual([
    "172.18.7.70:40000 > 10.0.0.100:80",
    "172.18.7.70:40001 > 10.0.0.100:80",
    "[fd00:18::46]:40002 > [fd00:10::64]:80",
  ]);
});
