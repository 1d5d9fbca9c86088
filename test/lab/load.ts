/** What clients feel while something is changed: a steady load from the client through the VIP, every request logged. */
import { expect } from "vitest";
import { parseRequest, RequestLog } from "../../drills/requests";
import { perl, Stream } from "../../drills/stream";
import { serviceUrl } from "../../model/lab/types";
import type { RequestRecord } from "../../drills/types";
import { eventually, inGuests, STACK } from "./support";

/** Requests per second, each on a connection of its own. */
const RATE = 10;
/** Seconds after which one request has failed, and after which the load ends whatever happens. */
const TIMEOUT = 3;
const LONGEST = 900;

/**
 * Does `work` under load, prints what it cost the clients, and fails if that is a single request.
 * @param on name of the service that is asked, as it was applied last
 */
export async function underLoad<T>(
  what: string,
  work: () => Promise<T>,
  on = "main",
  stack = STACK,
): Promise<{ result: T; log: RequestLog }> {
  const { result, log } = await inGuests(
    async (shell, { clients: [client], directors: [director], services }) => {
      const service = services.find(({ name }) => name === on);
      if (service === undefined) throw new Error(`the lab has no service ${on}`);
      const records: RequestRecord[] = [];
      const program = perl("load", serviceUrl(service), RATE, LONGEST, TIMEOUT, 1);
      const load = new Stream(shell, client.name, program, (line) => {
        const record = parseRequest(line, (time) => time, [director.name]);
        if (record !== undefined) records.push(record);
      });
      try {
        await eventually(30, () => Promise.resolve(expect(records.length).toBeGreaterThan(0)));
        const result = await work();
        await load.end();
        return { result, log: new RequestLog(records) };
      } finally {
        load.kill();
      }
    },
    stack,
  );
  const { first, failed, lost, longestGap, answeredBy } = log;
  const servers = Object.entries(answeredBy).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${what}: ${first.length} requests at ${RATE}/s, ${failed.length} failed, ${lost.length} lost after a retry, ` +
      `longest gap ${longestGap.toFixed(1)} s; answered by ${servers.join(", ")}`,
  );
  expect(first.length).toBeGreaterThan(20);
  expect({ what, failed: failed.length, why: log.errors }).toEqual({ what, failed: 0, why: {} });
  expect(answeredBy).not.toHaveProperty("sorry");
  return { result, log };
}
