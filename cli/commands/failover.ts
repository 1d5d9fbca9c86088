/** `scripts/lab failover`: the VIP is moved to the other director, in order. */
import type { Command } from "commander";
import { failover } from "../../failover/failover";
import { StackContext, type StackOptions } from "../stack/context";
import { say } from "../terminal";

interface FailoverCommandOptions extends StackOptions {
  readonly to?: string;
  readonly force?: boolean;
}

/** @param command `failover` with the options that every stack's command has */
export function addFailoverCommand(command: Command): void {
  command
    .option("--to <name>", "the director that shall hold the VIP; without it, the one that does not")
    .option("--force", "also where connections would end, or the other director is not as it should be")
    .action(async (options: FailoverCommandOptions) => {
      const context = new StackContext(options);
      await context.alone("a `failover`", () =>
        context.withGuests(async (shell, lab) => {
          const { to, force } = options;
          const moved = await failover(shell, lab, { to, force, say });
          say(
            moved === undefined
              ? `${to} holds the VIP already`
              : `the VIP is at ${moved.to}, which ${moved.from} gave it to within ${moved.seconds.toFixed(1)} s`,
          );
        }),
      );
    });
}
