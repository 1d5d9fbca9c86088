/** Each protocol that ldirectord can check, against a real server of it: up, down, up again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/detection";
import { ENTRIES } from "./support/entries";
import { Fleet } from "./support/fleet";

const note = (text: string): void => void process.stderr.write(`${text}\n`);

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.open(ENTRIES);
}, 300_000);
afterAll(() => fleet?.close());

/** Mail::POP3Client waits without end for what a server says first. */
const ENDLESS = ["pop"];

/**
 * Their libraries limit the time to connect only: a server that falls silent in the middle of a check holds it. The test then stops it at
 * another moment.
 */
const UNLIMITED = ["pgsql", "imap", "imaps", "pops"];

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
  it.each(Object.keys(ENTRIES).filter((name) => !ENDLESS.includes(name)))("%s: up, out, up", async (name) => {
    const member = fleet.member(name);
    const budget = detectionSeconds(member.service);
    await member.in(10);
    const stop = (): Promise<number> => {
      member.process.signal("SIGSTOP");
      return member.out(budget);
    };
    let took = stop();
    for (let again = 0; again < (UNLIMITED.includes(name) ? 3 : 0); again++) {
      took = took.catch(() => {
        member.process.signal("SIGCONT");
        return stop();
      });
    }
    const seconds = (await took).toFixed(1);
    member.process.signal("SIGCONT");
    const back = await member.in(10);
    note(`${name}, silent: out after ${seconds} s of at most ${budget}, in again after ${back.toFixed(1)} s`);
  });

  it.each(ENDLESS)("%s: is not found, as docs/services.md says", async (name) => {
    const member = fleet.member(name);
    await member.in(10);
    member.process.signal("SIGSTOP");
    expect(await member.keeps(2 * detectionSeconds(member.service))).toBe(true);
    // Its end is, for that closes the connection.
    await member.process.kill();
    await member.out(detectionSeconds(member.service));
  });
});
