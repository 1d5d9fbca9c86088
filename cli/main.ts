/** `scripts/lab`'s commands, after the shell entry has prepared the host. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { PROJECT } from "../model/lab/naming";
import { parseStackReference } from "../model/config/stackName";
import { callersFile, enterProject } from "./callersFile";
import type { StackOptions } from "./stack/context";
import { say } from "./terminal";

const program = new Command("scripts/lab")
  .description("An LVS Direct Routing cluster on libvirt")
  .enablePositionalOptions()
  .exitOverride();

/** Refuses what cannot be a stack's name, before anything else is done with it. */
function withStack(command: Command): Command {
  const read = (given: string): string => {
    const { name, organization } = parseStackReference(given);
    command.setOptionValue("organization", organization);
    return name;
  };
  return command.option("-s, --stack <name>", "the stack", read, "dev");
}

/** Pulumi's own option. */
function withConfigFile(command: Command): Command {
  const read = (given: string): string => {
    const file = callersFile(given);
    if (!existsSync(file)) throw new InvalidArgumentError("there is no such file");
    if (given === "" || statSync(file).isDirectory()) throw new InvalidArgumentError("that is no file");
    return file;
  };
  return command.option(
    "--config-file <file>",
    "take the configuration from it, not from Pulumi.STACK.yaml",
    read,
  );
}

function withForgetHost(command: Command): Command {
  const gather = (name: string, before: readonly string[] = []): readonly string[] => [...before, name];
  return command.option(
    "--forget-host <name>",
    "drop what the state has of a host or machine that never returns, and ask it nothing; may be repeated",
    gather,
  );
}

function stackCommand(name: string, description: string): Command {
  return withStack(program.command(name).description(description)).addOption(
    new Option("--engine <engine>", "who applies").choices(["auto", "pulumi", "embedded"]).default("auto"),
  );
}

/** Each command with what it loads: what a command does not need would only make it slower. */
const COMMANDS: Readonly<Record<string, () => Promise<void>>> = {
  up: async () => {
    const { up } = await import("./commands/apply");
    withForgetHost(
      withConfigFile(stackCommand("up", "build or change the lab, then print its outputs")),
    ).action(up);
  },
  preview: async () => {
    const { preview } = await import("./commands/apply");
    withConfigFile(stackCommand("preview", "show what `up` would do")).action(preview);
  },
  down: async () => {
    const { down } = await import("./commands/down");
    withForgetHost(
      withConfigFile(stackCommand("down", "destroy everything `up` made, then look for leftovers")),
    ).action((options: StackOptions) => down(options));
  },
  output: async () => {
    const { output } = await import("./commands/outputs");
    stackCommand("output", "print the stack's outputs, or one of them")
      .argument("[name]")
      .option("--json", "one JSON value")
      .option("--show-secrets", "secret outputs in the clear")
      .action(output);
  },
  status: async () => {
    const { addStatusCommand } = await import("./commands/status");
    addStatusCommand(
      stackCommand("status", "the cluster as it is now: exit 0 healthy, 3 degraded, 4 sorry, 5 down"),
    );
  },
  verify: async () => {
    const { addVerifyCommand } = await import("./commands/verify");
    addVerifyCommand(stackCommand("verify", "check every behaviour of the lab from the outside"));
  },
  report: async () => {
    const { addReportCommand } = await import("./commands/report");
    addReportCommand(
      withConfigFile(stackCommand("report", "topology, health, checks and drills on one page")),
    );
  },
  drill: async () => {
    const { addDrillCommand } = await import("./commands/drill");
    addDrillCommand(
      stackCommand("drill", "break the lab on purpose, measure what clients felt, and repair it"),
    );
  },
  import: async () => {
    const { addImportCommand } = await import("./commands/import");
    addImportCommand(
      withStack(
        program
          .command("import")
          .description("write a stack's file from an ldirectord.cf or keepalived.conf"),
      ),
    );
  },
  failover: async () => {
    const { addFailoverCommand } = await import("./commands/failover");
    addFailoverCommand(stackCommand("failover", "move the VIP to the other of two directors, in order"));
  },
  ssh: async () => {
    const { StackContext } = await import("./stack/context");
    stackCommand("ssh", "a shell in a guest, or one command there")
      .argument("<node>")
      .argument("[command...]")
      .passThroughOptions()
      .action(async (node: string, words: string[], options: StackOptions) => {
        // As ssh(1) has it, a `--` before the command is none of it.
        const command = words[0] === "--" ? words.slice(1) : words;
        process.exitCode = await new StackContext(options).withGuests(async (shell) => {
          const args = [
            ...shell.sshArguments(node, { interactive: true }),
            ...(command.length > 0 ? ["--", ...command] : []),
          ];
          const { status } = spawnSync("ssh", args, { stdio: "inherit" });
          return status ?? 255;
        });
      });
  },
  // For scripts/lab, which takes `up`'s own arguments for it.
  "image-source": async () => {
    const { openLab } = await import("./stack/stackLab");
    const { imagePackages } = await import("../model/guest/imagePackages");
    const { guestsOf } = await import("../model/lab/types");
    withConfigFile(withStack(program.command("image-source", { hidden: true })))
      .allowUnknownOption()
      .allowExcessArguments()
      .action((options: StackOptions) => {
        const lab = openLab(PROJECT, options);
        const source = guestsOf(lab).length === 0 ? "none" : lab.image === undefined ? "built" : "own";
        process.stdout.write(`${[source, ...imagePackages(lab)].join(" ")}\n`);
      });
  },
  // Likewise, before it enters a namespace without a way out.
  "pulumi-plugins": async () => {
    const { installPlugins } = await import("./backends/pulumi/plugins");
    const { StackContext } = await import("./stack/context");
    stackCommand("pulumi-plugins", "get what the Pulumi CLI needs")
      .allowUnknownOption()
      .allowExcessArguments()
      .action(async (options: StackOptions) => {
        if (new StackContext(options).backend.engine === "pulumi") await installPlugins();
      });
  },
  test: async () => {
    const { runTests, SUITE_NAMES } = await import("./commands/test");
    type Options = import("./commands/test").TestOptions;
    program
      .command("test")
      .description(`run the tests: ${SUITE_NAMES.join(", ")}; all without an argument`)
      .addArgument(new Argument("[suite]").choices(SUITE_NAMES))
      .argument(
        "[names...]",
        "with lab: drills to run with their pairs, beside the article's own; with examples: which",
      )
      .option("--all", "with lab: every drill")
      .action(async (suite: string | undefined, names: string[], { all = false }: Options) => {
        process.exitCode = (await runTests(suite, { names, all })) ? 0 : 1;
      });
  },
};

async function main(): Promise<void> {
  // A terminal that is gone, or a reader that has read enough, is no reason to leave a lab half changed or broken.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  enterProject();
  const chosen = COMMANDS[process.argv[2] ?? ""];
  for (const add of chosen === undefined ? Object.values(COMMANDS) : [chosen]) await add();
  await program.parseAsync();
}

main().catch((error: unknown) => {
  if (error instanceof Error && "exitCode" in error) {
    // commander has printed it; --help is no failure.
    process.exit(error.exitCode === 0 ? 0 : 1);
  }
  const message = error instanceof Error ? error.message : String(error);
  // A configuration's mistakes are a list with a heading of its own.
  say(error instanceof Error && error.name === "ConfigError" ? message : `error: ${message}`);
  process.exit(1);
});
