/** From death to removal: what is measured with several real servers, beside what the project computes (detectionSeconds). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/director/detection";
import { Fleet, type Entries, type Member } from "./support/fleet";
import { SERVERS } from "./support/servers";
import { slowness } from "./support/table";

const CHECK = { service: "http", request: "test.html", receive: "test", checkinterval: 1, checktimeout: 3 };
const COUNTS = [2, 4, 8] as const;
const ENTRIES: Entries = Object.fromEntries(
  COUNTS.map((count) => [`${count} servers`, { port: 80, check: CHECK, server: SERVERS.nginx, count }]),
);

let fleet: Fleet;
const rows: string[] = [];
beforeAll(async () => {
  fleet = await Fleet.open(ENTRIES);
}, 300_000);
afterAll(async () => {
  await fleet?.close();
  process.stderr.write(`${rows.join("\n")}\n`);
});

const all = (count: number): Member[] =>
  Array.from({ length: count }, (_unused, index) => fleet.member(`${count} servers/${index + 1}`));

/** Stops some servers of a service at once; all of them must be out within the budget, and nothing but them. */
async function silence(count: number, silent: readonly Member[]): Promise<void> {
  const members = all(count);
  await Promise.all(members.map((member) => member.in(10)));
  const [{ service } = members[0] as Member] = members;
  const budget = detectionSeconds(service, silent.length);
  const before = fleet.daemon.changes.length;
  for (const member of silent) member.process.signal("SIGSTOP");
  const begin = Date.now();
  await Promise.all(silent.map((member) => member.out(budget)));
  const removed = fleet.daemon.changes
    .slice(before)
    .filter(({ command, service: at }) => command === "-d" && at === members[0]?.keys[0]);
  for (const member of silent) member.process.signal("SIGCONT");
  await Promise.all(members.map((member) => member.in(20)));
  expect(removed.map(({ server }) => server).sort()).toEqual(silent.map(({ keys }) => keys[1]).sort());
  const seconds = removed.map(({ at }) => ((at - begin) / 1000).toFixed(1));
  rows.push(
    `${count} real servers, ${silent.length} silent: out after ${seconds.join(", ")} s; computed at most ${budget} s` +
      ` (processes for each processor: ${slowness().toFixed(1)})`,
  );
}

describe.concurrent(
  "a silent server is out within failurecount × (checkinterval + silent × timeout) + 2:",
  () => {
    it.each(COUNTS)("one of %i", async (count) => {
      await silence(count, all(count).slice(-1));
    });
  },
);

it("ldirectord has run all the while", () => expect(fleet.daemon.process.alive).toBe(true));

describe.concurrent("and so are all that are silent:", () => {
  it.each(COUNTS)("all %i", async (count) => {
    await silence(count, all(count));
  });
});
