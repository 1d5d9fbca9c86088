/** Each protocol that ldirectord can check, against a real server of it: up, down, up again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/director/detection";
import { ENTRIES as PROTOCOLS } from "./support/entries";
import { Fleet, type Entries } from "./support/fleet";
import { SERVERS } from "./support/servers";

/** Beside the protocols a group of ports: ldirectord has it by its mark, and checks it at one of them. */
const ENTRIES: Entries = {
  ...PROTOCOLS,
  "ports by mark": {
    port: 8081,
    check: { service: "http", checkport: 8081, request: "test.html", receive: "test" },
    service: { port: undefined, ports: [8081, "9000-9009"], mark: 77, persistent: 300 },
    server: SERVERS.nginx,
  },
};

const note = (text: string): void => void process.stderr.write(`${text}\n`);

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.open(ENTRIES);
}, 300_000);
afterAll(() => fleet?.close());

describe.concurrent("a real server of", () => {
  it.each(Object.keys(ENTRIES))("%s: up, down, up", async (name) => {
    const member = fleet.member(name);
    const budget = detectionSeconds(member.service, 0);
    await member.in(10);
    await member.process.kill();
    const took = await member.out(budget);
    member.start();
    const back = await member.in(10);
    note(`${name}: out after ${took.toFixed(1)} s of at most ${budget}, in again after ${back.toFixed(1)} s`);
  });
});

it("ldirectord has run all the while", () => {
  expect(fleet.daemon.process.alive).toBe(true);
});

describe.concurrent("a server that accepts and says nothing", () => {
  it.each(Object.keys(ENTRIES))("%s: up, out, up", async (name) => {
    const member = fleet.member(name);
    const budget = detectionSeconds(member.service);
    await member.in(10);
    member.process.signal("SIGSTOP");
    const seconds = (await member.out(budget)).toFixed(1);
    member.process.signal("SIGCONT");
    const back = await member.in(10);
    note(`${name}, silent: out after ${seconds} s of at most ${budget}, in again after ${back.toFixed(1)} s`);
  });
});
