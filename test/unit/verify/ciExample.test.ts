import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly if?: string;
}

const workflow = parse(readFileSync("docs/examples/github-workflow.yml", "utf8")) as {
  readonly jobs: { readonly lab: { readonly steps: readonly Step[] } };
};
const steps = workflow.jobs.lab.steps;
const commands = steps.flatMap(({ run }) =>
  [...(run ?? "").matchAll(/^scripts\/lab (.*)$/gm)].map(([, args = ""]) => args),
);

it("the example builds, proves, breaks, shows and takes down, the last two always", () => {
  expect(commands.map((command) => command.split(" ")[0])).toEqual([
    "up",
    "verify",
    "drill",
    "report",
    "down",
  ]);
  for (const word of ["report", "down"])
    expect(steps.find(({ run }) => run?.startsWith(`scripts/lab ${word}`))?.if).toBe("always()");
});

it("every command and option in it is one that the program has", async () => {
  await Promise.all(
    commands.map(async (command) => {
      const [name = "", ...args] = command.split(" ");
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...["--import", "tsx", "cli/main.ts"],
        ...[name, "--help"],
      ]);
      for (const option of args.filter((arg) => arg.startsWith("--"))) expect(stdout).toContain(option);
    }),
  );
}, 60_000);
