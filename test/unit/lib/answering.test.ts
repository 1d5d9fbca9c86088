import { expect, it } from "vitest";
import { answers } from "../../../lib/answering";

it("a kernel that refuses a connection answers", async () => {
  expect(await answers("127.0.0.1", 5_000)).toBe(true);
});

it("a host that cannot be found does not, once its time is over", async () => {
  const begun = Date.now();
  // No connection can be made to it, and nothing is sent.
  expect(await answers("255.255.255.255", 400)).toBe(false);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(395);
});

it("a look that is no longer wanted ends at once", async () => {
  const ended = new AbortController();
  const look = answers("255.255.255.255", 60_000, ended.signal);
  ended.abort();
  await look;
  await answers("255.255.255.255", 60_000, ended.signal);
});
