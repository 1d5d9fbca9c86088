/** The plugins that the Pulumi CLI needs, got where there is a way to the internet: the lab's own namespace has none. */
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version as commandVersion } from "@pulumi/command/package.json";
import { version as randomVersion } from "@pulumi/random/package.json";
import { exec } from "../../../lib/process";
import { pulumiHome } from "./install";
import { say } from "../../terminal";

/** What sdks/libvirt registers: the bridge, and the Terraform provider that the bridge gets for itself. */
export const BRIDGE = { name: "terraform-provider", version: "1.1.3" };
export const TERRAFORM_PROVIDER = { name: "dmacvicar/libvirt", version: "0.9.7" };

const PLUGINS = [
  { name: "command", version: commandVersion },
  { name: "random", version: randomVersion },
  BRIDGE,
];

/** Whether the bridge has the Terraform provider already: its cache's directories end in NAME/VERSION/PLATFORM. */
function hasTerraformProvider(): boolean {
  const cache = process.env.PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR ?? join(pulumiHome(), "dynamic_tf_plugins");
  if (!existsSync(cache)) return false;
  const { name, version } = TERRAFORM_PROVIDER;
  return readdirSync(cache, { recursive: true }).some((path) => String(path).endsWith(`${name}/${version}`));
}

async function pulumi(what: string, ...args: string[]): Promise<void> {
  say(`getting ${what}`);
  // Not of the project, whose package.json would have its say.
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", PWD: tmpdir() };
  const { code, stdout, stderr } = await exec("pulumi", args, { env });
  if (code === 0) return;
  const reason = (stderr || stdout).trim().split("\n").at(-1) ?? "";
  throw new Error(
    `the Pulumi CLI could not get ${what}: ${reason}\n` +
      `  It needs a way to the internet once, or a copy of another machine's ${pulumiHome()}/plugins and dynamic_tf_plugins.\n` +
      "  Without either: --engine embedded, which needs no plugin",
  );
}

/**
 * Gets each plugin that is not there yet.
 * @throws Error that says which could not be had, and what to do without it
 */
export async function installPlugins(): Promise<void> {
  for (const { name, version } of PLUGINS) {
    if (existsSync(join(pulumiHome(), "plugins", `resource-${name}-v${version}`))) continue;
    await pulumi(`plugin ${name} ${version}`, "plugin", "install", "resource", name, version, "--exact");
  }
  if (hasTerraformProvider()) return;
  const { name, version } = TERRAFORM_PROVIDER;
  // The bridge gets a provider when it is asked for its schema.
  await pulumi(`provider ${name} ${version}`, "package", "get-schema", BRIDGE.name, name, version);
}
