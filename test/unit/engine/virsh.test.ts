import { expect, test } from "vitest";
import type { Exec } from "../../../lib/process";
import type { Context } from "../../../engine/providers/provider";
import { virsh } from "../../../engine/providers/virsh";

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
  const { signal } = new AbortController();
  const context: Context = {
    exec,
    name: "x",
    config: { uri },
    mark: "",
    signal,
    killSignal: signal,
    scratch: "",
    log: () => undefined,
    status: () => undefined,
  };
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => virsh(context, "version")));
  expect([peak, total, results.filter(({ status }) => status === "rejected").length]).toEqual([most, 12, 2]);
});
