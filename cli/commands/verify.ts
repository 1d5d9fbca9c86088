/** `scripts/lab verify`: check the whole behaviour from the outside. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { DEFAULT_DEADLINE, GROUPS, verify, type VerifyReport } from "../../verify/verify";
import { renderCheck, renderSummary, verifyJunit } from "../../verify/verifyText";
import { anySeconds } from "../arguments";
import { StackContext, type StackOptions } from "../stack/context";
import { callersFile } from "../callersFile";
import { recordVerify } from "../stack/records";
import { printJson } from "../terminal";

interface VerifyCommandOptions extends StackOptions {
  readonly json?: boolean;
  readonly junit?: string;
  readonly deadline: number;
}

async function run(groups: readonly string[], options: VerifyCommandOptions): Promise<VerifyReport> {
  const context = new StackContext(options);
  return context.withGuests((shell, lab) =>
    verify(shell, lab, {
      ...(groups.length > 0 && { groups }),
      deadline: options.deadline,
      // With --json too: on a slow host people want to see that something happens.
      onResult: (result) =>
        (options.json ? process.stderr : process.stdout).write(`${renderCheck(result)}\n`),
    }),
  );
}

/** @param command `verify` with the options that every stack's command has */
export function addVerifyCommand(command: Command): void {
  command
    .argument("[group...]", `what to check: ${GROUPS.join(", ")}; all without an argument`)
    .option("--json", "one JSON value")
    .option("--junit <file>", "write the results as JUnit XML")
    .option("--deadline <seconds>", "how long a failing check is tried again", anySeconds, DEFAULT_DEADLINE)
    .action(async (groups: string[], options: VerifyCommandOptions) => {
      const report = await run(groups, options);
      // The report shows the last whole run.
      if (groups.length === 0) recordVerify(new StackContext(options).directory, report);
      if (options.junit !== undefined) writeFileSync(callersFile(options.junit), verifyJunit(report));
      if (options.json) printJson(report);
      else process.stdout.write(`${renderSummary(report)}\n`);
      process.exitCode = report.ok ? 0 : 1;
    });
}
