/** What is refused of two directors, word for word. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

const PAIR = { directors: [{}, {}] };
const withPair = (highAvailability: object): Record<string, unknown> => ({ ...PAIR, highAvailability });
const INTERVAL =
  "must be a number from 0.01 to 40.95 seconds, in whole hundredths: VRRP version 3 counts in them. Fix: choose 0.01 to 40.95, written without quotes.";

expectRefusals("two directors", [
  {
    name: "a third one",
    raw: { directors: [{}, {}, {}] },
    lines: [
      "directors: has 3 directors: of two one holds the VIP and the other stands by, and a third has no part. Fix: name one or two.",
    ],
  },
  {
    name: "none",
    raw: { directors: [] },
    lines: ["directors = []: is empty: need a director. Fix: add one, or leave the key out."],
  },
  {
    name: "highAvailability with one",
    raw: { highAvailability: { failback: "manual" } },
    lines: [
      "highAvailability: is what two directors have between them, and there is one. Fix: name a second one in directors, or remove highAvailability.",
    ],
  },
  {
    name: "equal addresses",
    raw: { directors: [{ address: "192.168.7.30" }, { address: "192.168.7.30" }] },
    lines: [
      'directors[1].address = "192.168.7.30": is the address of both director1 (DIP) (directors[0].address) and director2 (DIP). Fix: change one of the two.',
    ],
  },
  {
    name: "each other's real servers",
    raw: {
      directors: [{ address: "192.168.7.30" }, { address: "192.168.7.29" }],
      realServers: [{ address: "192.168.7.30" }, { address: "192.168.7.29" }],
    },
    lines: ["director1 30 0 rs1", "director2 29 1 rs2"].map((each) => {
      const [director = "", octet = "", index = "", name = ""] = each.split(" ");
      return `realServers[${index}].address = "192.168.7.${octet}": is the address of both ${director} (DIP) (directors[${index}].address) and ${name}; a director is no real server: it holds the VIP, and what it would forward to itself never leaves it, while two would forward it to each other for ever. Fix: give ${name} an address of its own.`;
    }),
  },
  {
    name: "equal names",
    raw: { directors: [{ name: "a" }, { name: "a" }] },
    lines: [
      'directors[1].name = "a": is the name of both director 1 (directors[0].name) and director 2. Fix: choose another name.',
    ],
  },
  {
    name: "a second one with the role's word for its name",
    raw: { directors: [{ name: "a" }, { name: "director" }] },
    lines: [
      'directors[1].name = "director": is reserved for the director itself (director.name). Fix: choose another name.',
    ],
  },
  {
    name: "equal priorities",
    raw: { directors: [{ priority: 100 }, { priority: 100 }] },
    lines: [
      "directors[1].priority = 100: is the priority of both director1 and director2: VRRP could not tell which comes first. Fix: give each its own.",
    ],
  },
  {
    name: "both forms",
    raw: { director: { address: "192.168.7.40" }, ...PAIR },
    lines: [
      'director.address = "192.168.7.40": is given beside directors, which has the directors one by one. Fix: write it as directors[0].address.',
    ],
  },
  ...[0, 0.005, 40.96, 0.125, "0.1"].map((advertInterval) => ({
    name: `the interval ${JSON.stringify(advertInterval)}`,
    raw: withPair({ advertInterval }),
    lines: [`highAvailability.advertInterval = ${JSON.stringify(advertInterval)}: ${INTERVAL}`],
  })),
  ...[0, 256].map((virtualRouterId) => ({
    name: `the virtual router ${virtualRouterId}`,
    raw: withPair({ virtualRouterId }),
    lines: [
      `highAvailability.virtualRouterId = ${virtualRouterId}: must be an integer from 1 to 255. Fix: choose 1 to 255.`,
    ],
  })),
  {
    name: "a hash without a scheduler that hashes",
    raw: withPair({ sync: "hash" }),
    lines: [
      'highAvailability.sync = "hash": needs a scheduler by which both directors choose the same real server, and that of tcp 10.0.0.100:80 is wrr. Fix: set the service\'s scheduler to mh or sh (with schedulerFlags mh-port or sh-port), or sync to daemon.',
    ],
  },
  {
    name: "the other director for a sorry server",
    raw: { ...PAIR, sorryServer: { address: "192.168.7.29" } },
    lines: [
      'sorryServer.address = "192.168.7.29": is the address of director2 (DIP) (directors[1].address), and two directors would send each request to one another; each has its own page at 127.0.0.1. Fix: use 127.0.0.1, the director\'s own web server, or another server in 192.168.7.0/24.',
    ],
  },
]);

const identity = { project: "lvs-dr", stack: "dev" };

it("`director` is short for a list of one", () => {
  const one = { name: "lb", address: "192.168.7.40", mac: "52:54:00:00:00:01", memory: 512 };
  expect(parseConfig({ directors: [one] }, identity)).toEqual(parseConfig({ director: one }, identity));
});

it("a lab with one director has nothing of two", () => {
  expect(parseConfig({}, identity)).not.toHaveProperty("highAvailability");
});

it("two have names, addresses and priorities of their own, and no real server moves for them", () => {
  const lab = parseConfig({ ...PAIR, realServerCount: 60 }, identity);
  expect(lab.directors.map(({ name, address }) => [name, address])).toEqual([
    ["director1", "192.168.7.30"],
    ["director2", "192.168.7.29"],
  ]);
  expect(lab.highAvailability).toEqual({
    manager: "keepalived",
    advertInterval: 0.1,
    virtualRouterId: 51,
    failback: "manual",
    sync: "daemon",
    priorities: { director1: 200, director2: 190 },
  });
  expect(lab.realServers).toEqual(parseConfig({ realServerCount: 60 }, identity).realServers);
});
