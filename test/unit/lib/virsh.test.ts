import { expect, test } from "vitest";
import type { Exec, ExecResult } from "../../../lib/process";
import { powerOn, virsh, VirshError } from "../../../lib/virsh";

const answering =
  (result: Partial<ExecResult>): Exec =>
  () =>
    Promise.resolve({ code: 0, stdout: "", stderr: "", output: "", ...result });

test.each([
  ["qemu+ssh://host/system", 4],
  ["qemu:///system", 12],
])("virsh at %s runs at most %i times at once, and each time", async (uri, most) => {
  let [running, peak, total] = [0, 0, 0];
  const exec: Exec = async () => {
    peak = Math.max(peak, (running += 1));
    await new Promise((done) => setImmediate(done));
    running -= 1;
    // One that fails makes room as well.
    return { code: (total += 1) % 5 === 0 ? 1 : 0, stdout: "", stderr: "", output: "" };
  };
  const calls = Array.from({ length: 12 }, () => virsh(uri, ["version"], { exec }));
  const results = await Promise.allSettled(calls);
  expect([peak, total, results.filter(({ status }) => status === "rejected").length]).toEqual([most, 12, 2]);
});

test.each([
  ["error: Failed to list volumes\nerror: no pool\n", "Failed to list volumes: no pool"],
  ["error: authentication unavailable\n", "authentication unavailable (is this user in the group libvirt?)"],
  ["", "virsh ended with status 1"],
])("virsh fails in libvirt's own words: %j", async (stderr, message) => {
  await expect(virsh("x:///", ["list"], { exec: answering({ code: 1, stderr }) })).rejects.toThrow(message);
});

test("virsh speaks English whatever the user's language", async () => {
  const exec: Exec = (_file, args, { env } = {}) =>
    answering({ stdout: `${args.join(" ")}, ${env?.LC_ALL}\n` })("", []);
  expect(await virsh("x:///", ["list"], { exec })).toBe("-q -c x:/// list, C");
});

test.each([
  ["shut off", true, "on"],
  ["running", false, "on"],
  ["shut off", new VirshError("no space"), "no space"],
  [new VirshError("no route"), new VirshError("no route"), "no route"],
])("power for a domain that is %s", async (state, start, outcome) => {
  const answer = <T>(value: T | Error): Promise<T> =>
    value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  const ask = (verb: string): Promise<string> => {
    if (verb !== "start") return answer(state);
    return answer(start === false ? new VirshError("Domain is already active") : start).then(String);
  };
  const on = powerOn(ask, "rs1");
  if (outcome === "on") expect(await on).toBe(start);
  else await expect(on).rejects.toThrow(outcome);
});
