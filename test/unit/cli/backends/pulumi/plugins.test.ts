import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BRIDGE, installPlugins, TERRAFORM_PROVIDER } from "../../../../../cli/backends/pulumi/plugins";

/** A CLI that keeps plugins where the real one does, or is offline. */
const PULUMI = `#!/bin/sh
echo "$*" >>"$PULUMI_HOME/asked"
if [ -e "$PULUMI_HOME/offline" ]; then
  echo "error: could not find latest version" >&2
  echo "dial tcp: lookup get.pulumi.com: no such host" >&2
  exit 255
fi
case "$1 $2" in
  "plugin install") mkdir -p "$PULUMI_HOME/plugins/resource-$4-v$5" ;;
  "package get-schema") mkdir -p "$PULUMI_HOME/dynamic_tf_plugins/registry.opentofu.org/$4/$5/linux_amd64" && echo "{}" ;;
  *) exit 99 ;;
esac
`;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lvs-dr-pulumi-"));
  mkdirSync(join(home, "bin"));
  writeFileSync(join(home, "bin/pulumi"), PULUMI);
  chmodSync(join(home, "bin/pulumi"), 0o755);
  vi.stubEnv("PATH", `${join(home, "bin")}:${process.env.PATH}`);
  vi.stubEnv("PULUMI_HOME", home);
  vi.stubEnv("PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR", undefined);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(home, { recursive: true });
});

const asked = (): string[] =>
  existsSync(join(home, "asked")) ? readFileSync(join(home, "asked"), "utf8").trim().split("\n") : [];

it("gets each plugin once, and the Terraform provider", async () => {
  await installPlugins();
  const all = [
    "plugin install resource command 1.2.1 --exact",
    "plugin install resource random 4.21.2 --exact",
    "plugin install resource terraform-provider 1.1.3 --exact",
    "package get-schema terraform-provider dmacvicar/libvirt 0.9.7",
  ];
  expect(asked()).toEqual(all);
  await installPlugins();
  expect(asked()).toEqual(all);
  rmSync(join(home, "plugins/resource-random-v4.21.2"), { recursive: true });
  await installPlugins();
  expect(asked()).toEqual([...all, all[1]]);
});

it("says offline what is missing, why, and what to do", async () => {
  writeFileSync(join(home, "offline"), "");
  await expect(installPlugins()).rejects.toThrow(
    /could not get plugin command 1.2.1: dial tcp: lookup get.pulumi.com: no such host\n.*copy of another[^]*--engine embedded/,
  );
  expect(asked()).toHaveLength(1);
});

it("asks for what the SDK registers", () => {
  const sdk = readFileSync("sdks/libvirt/index.ts", "utf8");
  expect(sdk).toContain(
    `url: "registry.opentofu.org/${TERRAFORM_PROVIDER.name}", version: "${TERRAFORM_PROVIDER.version}"`,
  );
  expect(sdk).toMatch(
    new RegExp(`baseProviderName: "${BRIDGE.name}",\\s+baseProviderVersion: "${BRIDGE.version}"`),
  );
});
