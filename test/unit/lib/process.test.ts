import { expect, test } from "vitest";
import { exec } from "../../../lib/process";

test("a command runs to its end, and its streams are kept apart", async () => {
  expect(await exec("sh", ["-c", "cat; echo err >&2; exit 3"], { stdin: "in" })).toMatchObject({
    code: 3,
    stdout: "in",
    stderr: "err\n",
  });
});

test("a signal's number is in the status", async () => {
  expect((await exec("sh", ["-c", "kill -KILL $$"])).code).toBe(137);
});

test("a command ends at its time limit, with what it started", async () => {
  const signal = AbortSignal.timeout(200);
  // The pipe's end is the child's: it would be waited for.
  expect((await exec("sh", ["-c", "sleep 60 & wait"], { signal })).code).toBe(143);
});

test("a program that is not there is an error", async () => {
  await expect(exec("/no/such/command", [])).rejects.toThrow("ENOENT");
});
