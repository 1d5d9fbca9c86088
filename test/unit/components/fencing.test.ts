import { expect, it } from "vitest";
import { runProgram } from "./support/fixtures";
import { find } from "./support/recorder";

const PAIR = { directors: [{ memory: 512 }, { memory: 512 }] };
const pairOf = (manager: string) =>
  runProgram({ config: { accelerator: "qemu", ...PAIR, highAvailability: { manager } } });

it("under Pacemaker the host can power both directors off before either of them is configured, and no longer when the lab is gone", async () => {
  const recording = await pairOf("pacemaker");
  const { inputs } = find(recording, "command:local:Command", "fencing");
  expect(inputs.create).toBe("bash scripts/host/fence.sh start .lab/dev/fencing");
  expect(inputs.delete).toBe("bash scripts/host/fence.sh stop .lab/dev/fencing");
  expect(JSON.stringify(inputs)).not.toMatch(/(create|delete)":"[^"]*[0-9a-f]{64}/);
  for (const director of ["director", "director2"]) {
    const { options } = find(recording, "lvsdr:index:Director", director);
    expect(options.dependsOn).toContain("command:local:Command fencing");
    const { inputs: role } = find(recording, "command:remote:Command", director);
    expect(JSON.stringify(role.stdin)).toContain("LVS_CLUSTER_KEY");
  }
});

it("under keepalived nobody on the host has power over them", async () => {
  const { registrations } = await pairOf("keepalived");
  expect(registrations.filter(({ name }) => name === "fencing")).toEqual([]);
});
