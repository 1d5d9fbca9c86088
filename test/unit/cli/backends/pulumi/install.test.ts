/** Where the Pulumi CLI comes from, with an `npm` of the test's own. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { pulumiOnPath, requirePulumi } from "../../../../../cli/backends/pulumi/install";

/** What npm's package does where there is an internet: it puts the CLI into a directory of its version. */
const NPM = `#!/bin/sh
echo "$*" >>"$PULUMI_HOME/asked"
[ ! -e "$PULUMI_HOME/offline" ] || { echo "Downloading pulumi v3.265.0..." >&2; echo "pulumi: fetch failed" >&2; exit 1; }
/bin/mkdir -p "$PULUMI_HOME/versions/3.265.0/bin"
printf '#!/bin/sh\\necho v3.265.0\\n' >"$PULUMI_HOME/versions/3.265.0/bin/pulumi"
/bin/chmod 755 "$PULUMI_HOME/versions/3.265.0/bin/pulumi"
`;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lvs-dr-pulumi-"));
  mkdirSync(join(home, "bin"));
  script("npm", NPM);
  vi.stubEnv("PATH", join(home, "bin"));
  vi.stubEnv("PULUMI_HOME", home);
  vi.stubEnv("LVS_DR_NETNS", undefined);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(home, { recursive: true });
});

function script(name: string, text: string): void {
  writeFileSync(join(home, "bin", name), text);
  chmodSync(join(home, "bin", name), 0o755);
}
const asked = (): string =>
  existsSync(join(home, "asked")) ? readFileSync(join(home, "asked"), "utf8") : "";

it("takes the one on PATH", () => {
  script("pulumi", "#!/bin/sh\n");
  requirePulumi("--engine pulumi");
  expect(asked()).toBe("");
  expect(process.env.PATH).toBe(join(home, "bin"));
});

it("else gets a pinned one by npm, once", () => {
  requirePulumi("--engine pulumi");
  expect(asked()).toBe("exec --yes --package=pulumi@3.265.0 -- pulumi version\n");
  expect(pulumiOnPath()).toBe(true);
  vi.stubEnv("PATH", join(home, "bin"));
  // What is there already serves in a namespace without a way out, too.
  vi.stubEnv("LVS_DR_NETNS", "lvs-lab");
  requirePulumi("--engine pulumi");
  expect(pulumiOnPath()).toBe(true);
  expect(asked().split("\n")).toHaveLength(2);
});

it("says what to do where the internet cannot be reached, and which way was tried", () => {
  writeFileSync(join(home, "offline"), "");
  expect(() => requirePulumi("stack dev was built with Pulumi")).toThrow(
    /^stack dev was built with Pulumi: there is no `pulumi` on PATH, and npm's package pulumi@3\.265\.0 could not get one: pulumi: fetch failed\.\n.*https:\/\/www\.pulumi\.com\/docs\/install\//,
  );
  vi.stubEnv("LVS_DR_NETNS", "lvs-lab");
  expect(() => requirePulumi("--engine pulumi")).toThrow(
    "the network namespace lvs-lab has no way to the internet",
  );
  expect(asked().split("\n")).toHaveLength(2);
});
