/** The npm package as a user has it: packed, installed in an empty project, and asked from there. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { credentials } from "@grpc/grpc-js";
import * as provider from "@pulumi/pulumi/proto/provider_grpc_pb";
import { GetSchemaRequest, type GetSchemaResponse } from "@pulumi/pulumi/proto/provider_pb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SOURCES = "packages/lvs-dr";
let project: string;
let installed: string;

const imageOf = (scripts: string): string =>
  execFileSync("bash", ["-c", '. "$0/image/lib.sh" && image_directory', scripts], { encoding: "utf8" });

/** What the CLI does to learn a plugin's schema: it runs the plugin in the user's directory, and asks. */
async function schemaOf(plugin: string, cwd: string): Promise<unknown> {
  const runner = createRequire(join(plugin, "index.js")).resolve("@pulumi/pulumi/cmd/run-plugin");
  const running = spawn(process.execPath, [runner, plugin, "127.0.0.1:1"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const port = await new Promise<string>((resolve, reject) => {
      running.stdout.once("data", (text) => resolve(String(text).trim()));
      running.once("exit", (code) => reject(new Error(`the plugin ended with ${code}`)));
    });
    const { ResourceProviderClient } = provider as unknown as {
      ResourceProviderClient: new (
        address: string,
        how: unknown,
      ) => {
        getSchema(request: unknown, done: (error: Error | null, response: GetSchemaResponse) => void): void;
        close(): void;
      };
    };
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const text = await new Promise<string>((resolve, reject) => {
      client.getSchema(new GetSchemaRequest(), (error, response) =>
        error ? reject(error) : resolve(response.getSchema()),
      );
    });
    client.close();
    return JSON.parse(text);
  } finally {
    running.kill();
  }
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "lvsdr-package-"));
  installed = join(project, "node_modules/lvsdr");
  const npm = (args: string[], cwd: string): string =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  npm(["pack", "--silent", "--pack-destination", project], SOURCES);
  const { version, dependencies } = JSON.parse(readFileSync(`${SOURCES}/package.json`, "utf8")) as {
    version: string;
    dependencies: Record<string, string>;
  };
  // What it depends on is here already, and where guests are there is no way to the registry; npm takes it only in the version that is asked for.
  const linked = Object.keys(dependencies).map((name) => [
    name,
    `file:${process.cwd()}/node_modules/${name}`,
  ]);
  const wanted = { ...Object.fromEntries(linked), lvsdr: `file:lvsdr-${version}.tgz` } as object;
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, dependencies: wanted }));
  npm(["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], project);
}, 180_000);

afterAll(() => rmSync(project, { recursive: true, force: true }), 60_000);

const committed: unknown = JSON.parse(readFileSync(`${SOURCES}/schema.json`, "utf8"));

describe("the npm package", () => {
  it(
    "is a plugin with the committed schema, as the checkout's own directory is",
    { timeout: 60_000 },
    async () => {
      expect(await schemaOf(installed, project)).toEqual(committed);
      expect(await schemaOf(join(process.cwd(), SOURCES), project)).toEqual(committed);
    },
  );

  it("leaves nothing beside the sources", () => {
    expect(["dist", "scripts", "LICENSE"].filter((made) => existsSync(join(SOURCES, made)))).toEqual([]);
  });

  it("has the recipe of the same image, and what it reads", () => {
    expect(imageOf(join(installed, "scripts"))).toBe(imageOf("scripts"));
    const missing = [
      "schema.json",
      "PulumiPlugin.yaml",
      "LICENSE",
      "dist/index.d.ts",
      "dist/observeMain.js",
    ].filter((file) => !existsSync(join(installed, file)));
    expect(missing).toEqual([]);
  });

  it("has the types of a program of that project", { timeout: 120_000 }, () => {
    const program = (jump: string): string => `
import * as pulumi from "@pulumi/pulumi";
import { LvsCluster, Scheduler, type ClusterHealth, type LvsClusterArgs } from "lvsdr";
const jump = ${jump};
const args: LvsClusterArgs = { scheduler: Scheduler.Wrr, director: { ssh: { hostKey: "ssh-ed25519 AAAA", jump } } };
const { vip, nodes, health } = new LvsCluster("web", args, { protect: true });
export const role: pulumi.Output<string | undefined> = nodes.apply((all) => all["rs1"]?.role);
export const sentence = pulumi.interpolate\`\${vip}: \${health.status}\`;
export const open = health.apply((seen: ClusterHealth): number[] =>
  seen.services.flatMap(({ realServers }) => realServers.map((server) => server.activeConnections)));
`;
    writeFileSync(join(project, "right.ts"), program('{ host: "way", hostKey: "ssh-ed25519 AAAA" }'));
    writeFileSync(join(project, "wrong.ts"), program('{ host: "way" }'));
    // Without skipLibCheck, which would leave the package's own declarations out.
    const options = "--noEmit --strict --target es2022 --module nodenext --types node --typeRoots";
    const [tsc = "", types = ""] = ["typescript/bin/tsc", "@types"].map((path) =>
      resolve("node_modules", path),
    );
    const args = [tsc, ...options.split(" "), types, "right.ts", "wrong.ts"];
    const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
    expect(stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^wrong\.ts.* Property 'hostKey' is missing in type '{ host: string; }'/),
    ]);
  });

  it("makes a cluster in a program of that project, with its own scripts and no other's", () => {
    writeFileSync(
      join(project, "preview.js"),
      `
const pulumi = require("@pulumi/pulumi");
const { existsSync } = require("node:fs");
const names = [], commands = [];
const run = async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => { names.push(type + " " + name); return { id: name, state: inputs }; },
    call: ({ token, inputs }) => {
      if (inputs.command) commands.push(inputs.command);
      if (token === "pulumi:pulumi:readStackResourceOutputs") return { outputs: {} };
      const answer = /facts/.test(inputs.command) ? "{}" : /dry-run/.test(inputs.command) ? "exit 3" : "here";
      return { stdout: answer };
    },
  }, "shop", "dev", true, "organization");
  const { LvsCluster, Accelerator } = require("lvsdr");
  const { vip } = new LvsCluster("web", { accelerator: Accelerator.Kvm });
  const address = await new Promise((resolve) => vip.apply(resolve));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const scripts = commands.flatMap((command) => command.match(/[^ ']*node_modules\\/lvsdr[^ ']*/g) ?? []);
  console.log(JSON.stringify({ address, names, commands: commands.length, scripts, missing: scripts.filter((path) => !existsSync(path)) }));
};
run();
`,
    );
    const out = execFileSync(process.execPath, ["preview.js"], { cwd: project, encoding: "utf8" });
    const { address, names, commands, scripts, missing } = JSON.parse(out) as {
      address: string;
      names: string[];
      commands: number;
      scripts: string[];
      missing: string[];
    };
    expect(address).toBe("10.0.0.100");
    expect(names).toContain("lvsdr:index:Director web-director");
    expect(names).toContain("libvirt:index/domain:Domain web-rs2");
    expect(commands).toBe(3);
    expect({ scripts: scripts.length, missing }).toEqual({ scripts: 3, missing: [] });
  });
});
