import { createRequire } from "node:module";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { exec, type ExecResult } from "../lib/process";
import { serve, type Handlers } from "./monitor";

export interface ProgramOptions {
  /** Directory of Pulumi.yaml. */
  readonly projectDir: string;
  /** The program below it; "." as a rule. */
  readonly main: string;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  /** Qualified keys ("project:key"). */
  readonly config: Readonly<Record<string, string>>;
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
  /** Ends the program. */
  readonly signal: AbortSignal;
}

/** Registrations that the program may have under way at a time. */
const PARALLEL = 64;

/** Runs the program with its registrations handled by `handlers`; answers its exit status. */
export type ProgramHost = (options: ProgramOptions, handlers: Handlers) => Promise<number>;

/** Exit status of a program that has already told the user what went wrong (Pulumi's convention). */
export const ALREADY_REPORTED = 32;

/** Serves the engine's services to the unmodified Pulumi program, in a process of its own. */
export const hostProgram: ProgramHost = async (options, handlers) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "lvs-dr-grpc-"));
  const socket = path.join(directory, "engine");
  const server = await serve(socket, handlers);
  try {
    return (await run(options, `unix:${socket}`)).code;
  } finally {
    server.forceShutdown();
    fs.rmSync(directory, { recursive: true, force: true });
  }
};

/** Runs the program through the SDK's own entry, as Pulumi's Node.js language host does. */
function run(options: ProgramOptions, address: string): Promise<ExecResult> {
  const entry = createRequire(path.join(options.projectDir, "package.json")).resolve(
    "@pulumi/pulumi/cmd/run",
  );
  const flags = {
    monitor: address,
    engine: address,
    project: options.project,
    stack: options.stack,
    organization: "organization",
    pwd: options.projectDir,
    "root-directory": options.projectDir,
    parallel: String(PARALLEL),
  };
  const args = Object.entries(flags).map(([key, value]) => `--${key}=${value}`);
  if (options.preview) args.push("--dry-run");
  // Pulumi's SDK takes the stack of every promise, and ts-node maps each of its frames: a third of the program's processor time.
  return exec(process.execPath, ["--stack-trace-limit=2", entry, ...args, options.main], {
    cwd: options.projectDir,
    env: {
      ...process.env,
      // The runner's own loaders and flags (tsx) are none of the program's business.
      NODE_OPTIONS: "",
      PULUMI_NODEJS_TYPESCRIPT: "true",
      PULUMI_CONFIG: JSON.stringify(options.config),
      PULUMI_CONFIG_PASSPHRASE: undefined,
    },
    signal: options.signal,
    onLine: options.onLine,
  });
}
