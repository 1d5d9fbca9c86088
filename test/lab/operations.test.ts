/**
 * What each change of docs/explanation/director.md costs clients of TLS, MySQL and IPv6; those of plain HTTP are asked by the other files. Run by
 * name: `scripts/lab test operations`.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whileAsked } from "./operations/clients";
import { configure, ENGINE, eventually, guest, lab, run, unconfigure } from "./support";

const STACK = "operations";
const named = process.env.LVS_DR_TEST_OPERATIONS !== undefined;
const ASKED = ["https", "mysql", "main-v6", "https-v6"];

type Configuration = Readonly<Record<string, unknown>>;

const FILE = parse(readFileSync("test/lab/operations/stack.yaml", "utf8")) as { config: Configuration };
const BASE = Object.fromEntries(
  Object.entries(FILE.config).map(([key, value]) => [key.replace("lvs-dr:", ""), value]),
);
const [RS1, RS2] = BASE.realServers as Configuration[];
const [HTTPS, MYSQL] = BASE.services as Configuration[];

const up = async (change?: Configuration): Promise<void> => {
  configure({ ...BASE, ...change }, STACK);
  const { stdout } = await lab(["up"], STACK);
  expect(JSON.parse(stdout)).toMatchObject({ health: { problems: [] } });
};

const THREE = { realServers: [RS1, RS2, { name: "rs3", weight: 1 }] };

interface Operation {
  readonly what: string;
  readonly work: () => Promise<unknown>;
  /**
   * Connections that it may end: all, since it takes a server away when drainTimeout is over; or those of the pages, since nginx closes idle
   * ones when it gets other ports.
   */
  readonly ends?: "all" | "pages";
}

/** One after the other. */
const OPERATIONS: readonly Operation[] = [
  { what: "another weight", work: () => up({ realServers: [RS1, { ...RS2, weight: 3 }] }) },
  { what: "a real server more", work: () => up(THREE) },
  { what: "a real server less", work: () => up(), ends: "all" },
  {
    what: "a real server leaves one service",
    work: () => up({ services: [HTTPS, { ...MYSQL, realServers: [{ name: "rs1" }] }] }),
    ends: "all",
  },
  {
    what: "a real server enters one service, and a service more",
    work: () =>
      up({ services: [HTTPS, MYSQL, { name: "more", port: 8443, healthCheck: { service: "https" } }] }),
    ends: "pages",
  },
  {
    what: "a service less",
    async work() {
      await up();
      // Its port goes when nobody uses it any more.
      const listening = async (): Promise<string> =>
        (await Promise.all(["rs1", "rs2"].map((name) => guest(name, "ss -Hltn sport = :8443", STACK)))).join(
          "",
        );
      await eventually(240, async () => expect(await listening()).toBe(""));
    },
    ends: "pages",
  },
  { what: "drain: true", work: () => up({ realServers: [RS1, { ...RS2, drain: true }] }) },
  { what: "a drain that ends", work: () => up() },
  { what: "director.mode to static", work: () => up({ director: { mode: "static" } }) },
  { what: "director.mode back", work: () => up() },
  {
    what: "ldirectord killed, and restarted",
    async work() {
      const unit = "lvs-dr-ldirectord";
      await guest("director", `systemctl kill --kill-whom=all -s KILL ${unit}; sleep 15`, STACK);
      await guest("director", `systemctl is-active ${unit} && systemctl restart ${unit}; sleep 15`, STACK);
    },
  },
];

describe.skipIf(!named)(`changes that clients do not notice (${ENGINE})`, () => {
  beforeAll(() => up(), 1_800_000);
  afterAll(async () => {
    await run(["down"], STACK);
    unconfigure(STACK);
  }, 120_000);

  it.each(OPERATIONS)("$what", { timeout: 600_000 }, async ({ what, work, ends }) => {
    const noticed = await whileAsked(STACK, ASKED, what, work);
    for (const [service, { asked, failed, why, open, kept }] of Object.entries(noticed)) {
      expect(asked, service).toBeGreaterThan(5);
      expect({ service, failed, why }).toEqual({ service, failed: 0, why: {} });
      if (ends === undefined || (ends === "pages" && service === "mysql"))
        expect({ service, kept }).toEqual({ service, kept: open });
    }
  });
});
