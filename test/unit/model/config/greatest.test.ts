/** The greatest configuration that the schema has words for, and what is one more. */
import { expect, it } from "vitest";
import { PORTS_EACH } from "../../../../health/requests";
import { ipvsRestoreRules, isOfDiagnosis, parseIpvsSave } from "../../../../model/director/ipvs/table";
import { parseConfig } from "../../../../model/config/config";
import { targetsOf } from "../../../../verify/diagnosis/scripts";
import { refusalOf } from "./refusals";

const SERVICES = 256;
const SERVERS = 250;

/** As many services as the list takes: the main one, and one on each further port. */
const services = (count: number): object[] =>
  Array.from({ length: count }, (_each, index) =>
    index === 0 ? { name: "main" } : { name: `web${index}`, port: 8000 + index },
  );
const servers = (count: number): object[] =>
  Array.from({ length: count }, (_each, index) => ({ weight: 1 + (index % 3) }));
const networks = { serverNetwork: { cidr: "192.168.0.0/22" }, vipCidr: "10.0.0.0/24" };

it.each([
  ["counted", { realServerCount: SERVERS }],
  ["one by one", { realServers: servers(SERVERS) }],
])("a table of all services with all real servers, %s", (_how, real) => {
  const lab = parseConfig(
    { ...networks, ...real, services: services(SERVICES) },
    { project: "lvs-dr", stack: "dev" },
  );
  const rules = ipvsRestoreRules(lab);
  expect(rules).toHaveLength(SERVICES * (1 + SERVERS));
  expect(new Set(rules).size).toBe(rules.length);
  const table = parseIpvsSave(rules.join("\n"));
  expect(table.map((each) => each.servers.length)).toEqual(Array(SERVICES).fill(SERVERS));
  expect(new Set(lab.realServers.map(({ address }) => address)).size).toBe(SERVERS);
});

it("verify has a mark and source ports for each real server and the sorry server", () => {
  const { services } = parseConfig(
    { ...networks, realServerCount: SERVERS },
    { project: "lvs-dr", stack: "dev" },
  );
  const targets = targetsOf(services[0]);
  expect(targets).toHaveLength(SERVERS + 1);
  expect(targets.filter(({ mark }) => !isOfDiagnosis({ mark, family: 4 }))).toEqual([]);
  expect(Math.max(...targets.map(({ clientPort }) => clientPort + PORTS_EACH))).toBeLessThanOrEqual(65_535);
  expect(Math.min(...targets.map(({ routerPort }) => routerPort))).toBeGreaterThanOrEqual(61_000);
});

it("one more of each is refused", () => {
  expect(refusalOf({ services: services(SERVICES + 1) })).toEqual([
    "services: has more than 256 services. Fix: remove some.",
  ]);
  expect(refusalOf({ ...networks, realServers: servers(SERVERS + 1) })).toEqual([
    "realServers: has more than 250 real servers. Fix: remove some.",
  ]);
  expect(refusalOf({ ...networks, realServerCount: SERVERS + 1 })).toEqual([
    "realServerCount = 251: must be an integer from 1 to 250 real servers. Fix: choose 1 to 250.",
  ]);
});
