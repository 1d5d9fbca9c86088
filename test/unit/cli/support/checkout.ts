/** A checkout of the program in which a stack is up whose guests are an `ssh` of the test's own. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StackOutputs } from "../../../../cli/backends/backend";
import { parseConfig } from "../../../../model/config/config";
import { STACK_TYPE } from "../../../../lib/urn";
import { StateFile, type State } from "../../../../engine/state";
import { secret } from "../../../../lib/properties";
import { APPLIED_LAB, PROJECT } from "../../../../model/lab/naming";
import { labNodes } from "../../../../model/lab/types";

const STACK = "dev";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Checkout {
  /** Where the program and the stack's files are. */
  readonly directory: string;
  /** A directory elsewhere, from which commands are given. */
  readonly elsewhere: string;
  readonly outputs: StackOutputs;
  /** Runs `scripts/lab ARGS` to its end, without what the shell entry does. */
  run(...args: string[]): Promise<Ended>;
  start(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
  remove(): void;
}

/**
 * @param ssh bash that stands for ssh(1)
 * @param config of the lab that was applied
 */
export function checkout(ssh: string, config: Readonly<Record<string, unknown>> = {}): Checkout {
  const root = mkdtempSync(join(tmpdir(), "lvs-dr-checkout-"));
  const [directory, elsewhere, bin] = [join(root, "checkout"), join(root, "elsewhere"), join(root, "bin")];
  for (const each of [elsewhere, bin, join(directory, ".lab", STACK)]) mkdirSync(each, { recursive: true });
  for (const part of [
    "cli",
    "components",
    "engine",
    "lib",
    "model",
    "scripts",
    "drills",
    "health",
    "report",
    "verify",
    "package.json",
    "tsconfig.json",
  ])
    cpSync(part, join(directory, part), { recursive: true });
  symlinkSync(resolve("node_modules"), join(directory, "node_modules"));
  writeFileSync(join(bin, "ssh"), `#!/bin/bash\n${ssh}\n`);
  chmodSync(join(bin, "ssh"), 0o755);

  const lab = parseConfig(config, { project: PROJECT, stack: STACK });
  const nodes = labNodes(lab);
  const outputs: StackOutputs = {
    vip: "10.0.0.100",
    url: "http://10.0.0.100:80/",
    nodes: Object.fromEntries(nodes.map(({ name, role, address }) => [name, { role, address }])),
    imageDigest: "sha256:0123",
  };
  const privateKey = "canary-key";
  const hosts = Object.fromEntries(
    nodes.map(({ name, address }) => [name, { address, user: "root", hostKey: "ssh-ed25519 AAAA" }]),
  );
  const secrets = { privateKey: secret(privateKey), access: secret({ privateKey, hosts }) };
  const resources = [
    { urn: "stack", type: STACK_TYPE, outputs: { ...outputs, ...secrets } },
    { urn: "lab", type: APPLIED_LAB, outputs: { lab } },
  ];
  const file = new StateFile(join(directory, ".lab", STACK, "state.json"), PROJECT, STACK);
  file.save({ ...file.load(), resources: resources as unknown as State["resources"] });

  const start: Checkout["start"] = (...args) => {
    const loader = `file://${resolve("node_modules/tsx/dist/loader.mjs")}`;
    const child = spawn(process.execPath, ["--import", loader, join(directory, "cli/main.ts"), ...args], {
      cwd: elsewhere,
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, XDG_RUNTIME_DIR: root },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<Ended>((done) => child.on("close", (code) => done({ code, stdout, stderr })));
    return { child, ended };
  };
  return {
    directory,
    elsewhere,
    outputs,
    start,
    run: (...args) => start(...args).ended,
    remove: () => rmSync(root, { recursive: true }),
  };
}
