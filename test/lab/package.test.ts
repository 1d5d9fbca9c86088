/** The examples of packages/lvs-dr/ on guests: the TypeScript program by the embedded engine, the YAML one where the Pulumi CLI and its language host are. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import "./support";

const EXAMPLES = join(process.cwd(), "packages/lvs-dr/examples");
const MINUTES = 60_000;

/** What of a cluster of the examples libvirt has. */
const left = (project: string): string[] =>
  ["list", "net-list", "pool-list"].flatMap((verb) =>
    execFileSync("virsh", ["-c", "qemu:///system", verb, "--all", "--name"], { encoding: "utf8" })
      .split("\n")
      .filter((name) => name.startsWith(`${project}-`)),
  );

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lvsdr-examples-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the TypeScript example, by the embedded engine", () => {
  const program = join(process.cwd(), "test/lab/embedded.ts");
  const tsx = join(process.cwd(), "node_modules/tsx/dist/loader.mjs");
  const engine = (verb: string) =>
    JSON.parse(
      execFileSync(process.execPath, ["--import", tsx, program, verb, join(directory, "state.json")], {
        cwd: join(EXAMPLES, "typescript"),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 9 * MINUTES,
        env: { ...process.env, PULUMI_NODEJS_TRANSPILE_ONLY: "true" },
      }),
    ) as Record<"changes" | "outputs", Record<string, unknown>>;

  it("comes up healthy, stays as it is, and goes", { timeout: 12 * MINUTES }, () => {
    try {
      expect(engine("up").outputs).toMatchObject({ vip: "10.213.0.100", status: "healthy", problems: [] });
      expect(engine("up").changes).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
    } finally {
      engine("destroy");
    }
    expect(left("lvsdr-typescript")).toEqual([]);
  });
});

describe("the YAML example, by the Pulumi CLI", () => {
  const env = { ...process.env, PULUMI_CONFIG_PASSPHRASE: "examples", PULUMI_SKIP_UPDATE_CHECK: "true" };
  const pulumiIn = (cwd: string, ...args: string[]): string =>
    execFileSync("pulumi", [...args, "--non-interactive"], {
      ...{ cwd, encoding: "utf8" as const },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 9 * MINUTES,
      env: { ...env, PULUMI_BACKEND_URL: `file://${directory}` },
    });
  const pulumi = (...args: string[]): string => pulumiIn(join(EXAMPLES, "yaml"), ...args);
  const has = (name: string): boolean => {
    try {
      return execFileSync("bash", ["-c", `command -v ${name}`]).length > 0;
    } catch {
      return false;
    }
  };

  const missing = ["pulumi", "pulumi-language-yaml", "pulumi-language-nodejs"].find((name) => !has(name));

  it("is a type that `pulumi package add` brings to a project", { timeout: 5 * MINUTES }, (context) => {
    if (missing !== undefined) context.skip(`there is no ${missing} on PATH`);
    const [project, from] = [join(directory, "fresh"), join(process.cwd(), "packages/lvs-dr")];
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: fresh\nruntime: yaml\n");
    pulumiIn(project, "package", "add", from);
    expect(parse(readFileSync(join(project, "Pulumi.yaml"), "utf8"))).toEqual({
      ...{ name: "fresh", runtime: "yaml", packages: { lvsdr: from } },
    });
    // What a program names wrongly is told by the schema that came with the package.
    const resource = (property: string): string =>
      `resources: { web: { type: "lvsdr:LvsCluster", properties: { ${property}: rr } } }\n`;
    const file = readFileSync(join(project, "Pulumi.yaml"), "utf8");
    pulumiIn(project, "stack", "init", "dev");
    const preview = (property: string) => () => {
      writeFileSync(join(project, "Pulumi.yaml"), file + resource(property));
      return pulumiIn(project, "preview");
    };
    expect(preview("scheduler")()).toContain("lvsdr:index:LvsCluster web create");
    expect(preview("schedule")).toThrow(
      expect.objectContaining({ stdout: expect.stringContaining("schedule does not exist") as string }),
    );
  });

  it("comes up healthy, stays as it is, and goes", { timeout: 12 * MINUTES }, (context) => {
    if (missing !== undefined) context.skip(`there is no ${missing} on PATH`);
    pulumi("stack", "init", "dev");
    try {
      pulumi("up", "--yes", "--skip-preview");
      expect(JSON.parse(pulumi("stack", "output", "--json"))).toMatchObject({
        vip: "10.212.0.100",
        status: "healthy",
        problems: [],
      });
      pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    } finally {
      pulumi("destroy", "--yes", "--skip-preview", "--remove");
    }
    expect(left("lvsdr-yaml")).toEqual([]);
  });
});
