/** Runs the Pulumi CLI on one stack. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { ABSENT } from "../../../lib/hostPlace";
import { exec, lineSplitter, spawnWatched, type ExecResult } from "../../../lib/process";

/** What Pulumi takes for "stop in order"; the terminal's end it would not hear of. */
const FORWARDED = { SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGINT" } as const;

export class PulumiCli {
  constructor(
    private readonly stack: string,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Which hosts do not answer was found out after the rest. */
  private environment(): NodeJS.ProcessEnv {
    return { ...this.env, [ABSENT]: process.env[ABSENT] };
  }

  private arguments(args: readonly string[]): string[] {
    return [...args, "--stack", this.stack, "--non-interactive"];
  }

  /** Runs a command and gathers what it prints. */
  async run(...args: string[]): Promise<ExecResult> {
    const result = await exec("pulumi", this.arguments(args), { env: this.environment() });
    return { ...result, stderr: result.stderr.trim() };
  }

  /** Version of the CLI; empty when it does not say. */
  async version(): Promise<string> {
    return (await exec("pulumi", ["version"], { env: this.env })).stdout.trim();
  }

  /**
   * Runs a command whose progress people want to see: what it prints goes to stderr.
   * @param input for its stdin; what it prints is not shown then
   * @param onLine gets the lines of its stdout instead
   */
  async shown(
    args: readonly string[],
    { input, onLine }: { input?: string; onLine?: (line: string) => void } = {},
  ): Promise<void> {
    let child: ChildProcess | undefined;
    let interrupted: keyof typeof FORWARDED | undefined;
    const forward = (signal: keyof typeof FORWARDED): void => {
      interrupted = signal;
      child?.kill(FORWARDED[signal]);
    };
    const signals = Object.keys(FORWARDED) as (keyof typeof FORWARDED)[];
    for (const signal of signals) process.on(signal, forward);
    try {
      // Of its own session: the terminal's Ctrl-C would reach it a second time, which it takes for "at once".
      const stdout = onLine ? "pipe" : input === undefined ? 2 : "ignore";
      child = spawnWatched("pulumi", this.arguments(args), {
        env: this.environment(),
        stdio: [input === undefined ? "ignore" : "pipe", stdout, 2],
      });
      const lines = lineSplitter(onLine ?? (() => undefined));
      child.stdout?.on("data", lines.push).on("end", lines.end);
      // One that does not read its input says why itself.
      child.stdin?.on("error", () => undefined).end(input);
      const [code] = (await once(child, onLine ? "close" : "exit")) as [number | null];
      if (code === 0) return;
      const verb = args.slice(0, args[0] === "stack" ? 2 : 1).join(" ");
      throw new Error(
        interrupted ? `pulumi ${verb} was interrupted` : `pulumi ${verb} ended with status ${code ?? "none"}`,
      );
    } finally {
      for (const signal of signals) process.off(signal, forward);
    }
  }
}
