/** What a change of the configuration touches: everything else is registered exactly as before. */
import { beforeAll, expect, it } from "vitest";
import { DOMAIN, runProgram, type Config } from "./support/fixtures";
import type { Recording } from "./support/recorder";

type Inputs = Map<string, Record<string, unknown>>;

const RS1 = { name: "rs1", weight: 1 };
const RS2 = { name: "rs2", weight: 3 };

let before: Inputs;
beforeAll(async () => {
  before = inputs(await runProgram());
});

function inputs({ registrations }: Recording): Inputs {
  return new Map(registrations.map((each) => [`${each.type.split(":").at(-1)} ${each.name}`, each.inputs]));
}

function paths(a: unknown, b: unknown, path = ""): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const objects = [a, b].every((side) => typeof side === "object" && side !== null && !Array.isArray(side));
  if (!objects) return [path];
  const [left, right] = [a, b] as Record<string, unknown>[];
  const keys = [...new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])].sort();
  return keys.flatMap((key) => paths(left?.[key], right?.[key], path === "" ? key : `${path}.${key}`));
}

/** `+ NAME`, `- NAME`, and `NAME: the inputs that differ`. */
async function touched(config: Config, base: Inputs = before): Promise<string[]> {
  const after = inputs(await runProgram({ config }));
  return [
    ...[...after.keys()].filter((name) => !base.has(name)).map((name) => `+ ${name}`),
    ...[...base.keys()].filter((name) => !after.has(name)).map((name) => `- ${name}`),
    ...[...base].flatMap(([name, old]) => {
      const changed = after.has(name) ? paths(old, after.get(name)) : [];
      return changed.length === 0 ? [] : [`${name}: ${changed.join(", ")}`];
    }),
  ].sort();
}

const guest = (name: string): string[] => [
  `Command ${name}`,
  `Command ${name}-boot`,
  `Command ${name}-seed`,
  `Domain ${name}`,
  `RandomPassword ${name}-host-key`,
  `RealServer ${name}`,
  `VirtualMachine ${name}`,
  `Volume ${name}-console`,
  `Volume ${name}-disk`,
  `Volume ${name}-seed`,
];
const plus = (name: string): string[] => guest(name).map((each) => `+ ${each}`);
const minus = (name: string): string[] => guest(name).map((each) => `- ${each}`);
const script = (...names: string[]): string[] => names.map((name) => `Command ${name}: stdin`);

/** A machine is started anew for a change of it, and is waited for. */
const machine = (name: string, ...changed: string[]): string[] => [
  `Command ${name}-boot: environment.LVS_DR_STARTED`,
  `Domain ${name}: ${changed.join(", ")}`,
];

const GUESTS = ["client", "director", "router", "rs1", "rs2"];

it.each<[string, Config, string[]]>([
  ["nothing, when the defaults are written out", { realServers: [RS1, RS2], port: 80, scheduler: "wrr" }, []],
  ["the director, by a weight", { realServers: [RS1, { ...RS2, weight: 5 }] }, script("director")],
  [
    "the director, by taking a server out of rotation",
    { realServers: [RS1, { ...RS2, drain: true }] },
    script("director"),
  ],
  ["the director, by the scheduler", { scheduler: "mh" }, script("director")],
  ["the director, by persistence", { persistent: 600 }, script("director")],
  ["the director, by the health check", { healthCheck: { checkinterval: 5 } }, script("director")],
  ["the director, by its mode", { director: { mode: "static" } }, script("director")],
  ["the director, by the sorry page", { sorryServer: { page: "closed" } }, script("director")],
  ["the director, by the drain's limit", { drainTimeout: 5 }, script("director")],
  [
    "one new guest and the director, by a third server",
    { realServerCount: 3 },
    [...plus("rs3"), ...script("director")],
  ],
  [
    "one guest less and the director, by one server",
    { realServers: [RS1] },
    [...minus("rs2"), ...script("director")],
  ],
  [
    "who answers ARP, and the director's record, by arptables",
    { arpStrategy: "arptables" },
    script("director", "rs1", "rs2"),
  ],
  [
    "who asks too, by the static strategy",
    { arpStrategy: "static" },
    script("director", "router", "rs1", "rs2"),
  ],
  ["all that have the VIP or serve the port, by the port", { port: 8080 }, script("director", "rs1", "rs2")],
  ["every guest's script, by the VIP", { vip: "10.0.0.101" }, script(...GUESTS)],
  [
    "each machine and no script, by memory",
    { memory: 512 },
    GUESTS.flatMap((name) => machine(name, "memory")),
  ],
  ["one machine and no script, by its vCPUs", { client: { vcpus: 2 } }, machine("client", "vcpu")],
  [
    "each machine, by the accelerator",
    { accelerator: "qemu" },
    GUESTS.flatMap((name) => machine(name, "cpu.mode", "cpu.model", "features.tcg", "os.cmdline", "type")),
  ],
  [
    "one guest's machine and its way in, the table and the record, by a RIP",
    { realServers: [{ ...RS1, address: "192.168.7.11" }, RS2] },
    [
      "Command director: stdin",
      "Command rs1: connection.secret.host, stdin",
      "Command rs1-boot: create, environment.LVS_DR_STARTED",
      "Domain rs1: os.cmdline",
    ],
  ],
  [
    "the network, and guests by being replaced with it, by the host's address",
    { serverNetwork: { hostAddress: "192.168.7.2" } },
    ["Command director: stdin", "Network server-network: ips"],
  ],
  [
    "the network and the NICs on it, by the MTU",
    { clientNetwork: { mtu: 1400 } },
    [
      "Command director: stdin",
      ...machine("client", "devices.interfaces"),
      ...machine("router", "devices.interfaces"),
      "Network client-network: mtu.size",
    ],
  ],
  [
    "how long is waited, by the time to boot",
    { bootTimeout: 60 },
    GUESTS.flatMap((name) => [
      `Command ${name}: connection.secret.dialErrorLimit`,
      `Command ${name}-boot: create`,
    ]),
  ],
  ["nothing, by how many boot at a time", { bootParallel: 1 }, []],
])("touches %s", async (_what, config, expected) => {
  expect(await touched(config)).toEqual([...expected].sort());
});

it("replaces a renamed guest where it is, so that the old one is gone before its address is taken again", async () => {
  const config = { client: { name: "pc" }, router: { name: "gate" }, director: { name: "lvs1" } };
  const names = ["client", "router", "director"];
  expect((await touched(config)).filter((line) => /^[+-]/.test(line))).toEqual([]);
  const { registrations, outputs } = await runProgram({ config });
  const domains = names.map((name) =>
    registrations.find((each) => each.type === DOMAIN && each.name === name),
  );
  expect(domains.map((domain) => domain?.inputs.name)).toEqual(
    ["pc", "gate", "lvs1"].map((name) => `lvs-dr-dev-${name}`),
  );
  for (const domain of domains)
    expect(domain?.options).toMatchObject({ replaceOnChanges: ["name"], deleteBeforeReplace: true });
  expect(Object.keys(outputs.nodes as object).sort()).toEqual(["gate", "lvs1", "pc", "rs1", "rs2"]);
});

it("ends a director's role before another machine gets it where another director serves meanwhile, and after it where none does", async () => {
  for (const [config, first] of [
    [{}, undefined],
    [{ directors: [{}, {}] }, true],
  ] as const) {
    const { registrations } = await runProgram({ config });
    const roles = registrations.filter(
      ({ type, name }) => type === "command:remote:Command" && /^(director\d?|rs1)$/.test(name),
    );
    expect(roles).toHaveLength(first ? 3 : 2);
    for (const { name, options } of roles)
      expect(options?.deleteBeforeReplace).toBe(name === "rs1" ? undefined : first);
  }
});

it("touches the new server and the director alone, when the third of many comes", async () => {
  const many = inputs(await runProgram({ config: { realServerCount: 8 } }));
  expect(await touched({ realServerCount: 9 }, many)).toEqual([...plus("rs9"), ...script("director")].sort());
});
