/** The Pulumi CLI: the one on PATH, or one that npm's package `pulumi` gets. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { say } from "../../terminal";

/** Pulumi's own package on npm. It has no CLI in it, but gets the one of its version from the internet. */
const VERSION = "3.265.0";

export const pulumiHome = (): string => process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");

export function pulumiOnPath(): boolean {
  try {
    execFileSync("pulumi", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes sure that there is a `pulumi` on PATH: this process's, for all that it starts. The package's own entry would not
 * pass signals on; so it only gets the CLI.
 * @param why who needs it, for the message
 * @throws Error that says what to do without the internet
 */
export function requirePulumi(why: string): void {
  if (pulumiOnPath()) return;
  const directory = join(pulumiHome(), "versions", VERSION, "bin");
  const failure = existsSync(join(directory, "pulumi")) ? undefined : download();
  if (failure !== undefined)
    throw new Error(
      `${why}: there is no \`pulumi\` on PATH, and npm's package pulumi@${VERSION} could not get one: ${failure}.\n` +
        "  Install it (https://www.pulumi.com/docs/install/), or run this once where the internet can be reached",
    );
  process.env.PATH = `${directory}${delimiter}${process.env.PATH ?? ""}`;
}

/** @returns why it did not work */
function download(): string | undefined {
  // scripts/lab has tried before it entered a namespace without a way out, and would not have come so far.
  if (process.env.LVS_DR_NETNS)
    return `the network namespace ${process.env.LVS_DR_NETNS} has no way to the internet`;
  say(`getting the Pulumi CLI ${VERSION}`);
  // Not of the project, whose package.json would have its say.
  const options = { cwd: tmpdir(), encoding: "utf8", timeout: 600_000 } as const;
  const args = ["exec", "--yes", `--package=pulumi@${VERSION}`, "--", "pulumi", "version"];
  const { status, stderr, error } = spawnSync("npm", args, options);
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split("\n").at(-1) ?? "";
}
