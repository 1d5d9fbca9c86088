import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly with?: { readonly path?: string; readonly key?: string };
}

const workflow = parse(readFileSync("docs/examples/github-workflow.yml", "utf8")) as {
  readonly jobs: {
    readonly lab: {
      readonly steps: readonly Step[];
      readonly defaults?: { readonly run?: { readonly shell?: string } };
      readonly "timeout-minutes": number;
    };
  };
};
const { lab } = workflow.jobs;
const { steps } = lab;
const commands = steps.flatMap(({ run }) =>
  [...(run ?? "").matchAll(/^scripts\/lab (.*)$/gm)].map(([, args = ""]) => args),
);

/** Each step by what it does: its command, the tool that it asks, or the action that it uses. */
const order = steps.map(({ run = "", uses = "" }) => {
  const command = /^(?:scripts\/lab \w+|pulumi [a-z ]+|apt-get)/m.exec(run)?.[0];
  return command?.trim() ?? uses.replace(/@.*$/, "");
});

it("the example's steps come in the order in which they make sense, down always and last", () => {
  expect(order).toEqual([
    "apt-get",
    "actions/checkout",
    "pulumi/actions",
    "actions/cache",
    "scripts/lab up",
    "scripts/lab verify",
    "pulumi stack output health",
    "scripts/lab drill",
    "scripts/lab report",
    "actions/upload-artifact",
    "scripts/lab down",
  ]);
  const always = order.filter((_, i) => steps[i]?.if === "always()");
  expect(always).toEqual(["scripts/lab report", "actions/upload-artifact", "scripts/lab down"]);
  expect(steps.filter((step) => step.if !== undefined)).toHaveLength(3);
});

it("each step leaves the evidence that is uploaded, and says when something is wrong", () => {
  const text = (name: string): string => steps[order.indexOf(name)]?.run ?? "";
  expect(text("scripts/lab verify")).toContain("--junit verify.xml");
  expect(text("scripts/lab drill")).toContain("--junit drill.xml");
  expect(text("scripts/lab report").trim()).toBe("scripts/lab report report.html");
  expect(text("pulumi stack output health")).toMatch(
    /^pulumi stack output health --json .*health\.json\njq -e '\.status == "healthy"' health\.json$/m,
  );
  const upload = steps[order.indexOf("actions/upload-artifact")]?.with?.path ?? "";
  expect(upload.trim().split("\n")).toEqual(["report.html", "verify.xml", "drill.xml", "health.json"]);
  // A pipe hides what its first part says, but for pipefail, which comes with bash named.
  expect(lab.defaults?.run?.shell).toBe("bash");
});

it("the guest image's cache is told apart by what the image is made of, and by nothing else", async () => {
  const script = '. scripts/image/lib.sh && printf "%s\\n" "$IMAGE_ROOT" "${IMAGE_RECIPE[@]}"';
  const env = { ...process.env, LVS_DR_IMAGE_ROOT: "" };
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { env });
  const [root, ...recipe] = stdout.trim().split("\n");
  const cache = steps[order.indexOf("actions/cache")]?.with;
  expect(cache?.path).toBe(root);
  const hashed = /hashFiles\((.*)\)/.exec(cache?.key ?? "")?.[1] ?? "";
  const parts = recipe.map((part) => `scripts/image/${part}`);
  expect([...hashed.matchAll(/'([^']*)'/g)].map(([, pattern]) => pattern)).toEqual(
    parts.map((part) => (statSync(part).isDirectory() ? `${part}/**` : part)),
  );
});

it("documents agree on what it takes", () => {
  const read = (file: string): string => readFileSync(file, "utf8");
  const figures = read("docs/explanation/architecture.md");
  const seconds = (row: RegExp): string => {
    const found = row.exec(figures)?.[1];
    return `about ${Math.round(Number(found))} s`;
  };
  const up = seconds(/^\| `up` from nothing[^|]*\| ([\d.]+) s/m);
  const readme = read("README.md");
  expect(readme).toContain(`\`up\` ${up}`);
  expect(readme).toContain(`a second \`up\` ${seconds(/^\| second `up`[^|]*\| ([\d.]+) s/m)}`);
  expect(readme).toContain(`\`down\` ${seconds(/^\| `down`[^|]*\| ([\d.]+) s/m)}`);
  const image = /^\| guest image[^|]*\| about a minute, once: (\d+ to \d+ s) /m.exec(figures)?.[1];
  for (const file of ["README.md", "docs/howto/image.md"])
    expect(/about a minute \(([\d to]+ s) measured\)/.exec(read(file))?.[1]).toBe(image);
  expect(image).toBeDefined();
  const ci = read("docs/howto/ci.md");
  expect(ci).toContain(`\`up\` takes ${up}`);
  expect(ci).toContain(`Give the job ${lab["timeout-minutes"]} minutes`);
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
