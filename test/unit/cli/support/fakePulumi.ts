/** A `pulumi` on PATH that keeps a stack's export in a file and records what it was asked. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

const PULUMI = `#!/bin/sh
cd "$FAKE_PULUMI"
[ "$*" = version ] && { echo v3.276.0; exit; }
all="$*"
echo "\${all%% --stack dev --non-interactive*}" >>asked
case "$1 $2" in
  "stack export")
    [ ! -f unreadable ] || { cat unreadable >&2; exit 255; }
    [ -f export ] || { echo "error: no stack named 'dev' found" >&2; exit 255; }; cat export ;;
  "stack import") cat >export ;;
  "stack init")
    echo '{"deployment":{}}' >export
    echo "encryptionsalt: v1:new" >>"$OLDPWD/Pulumi.dev.yaml" ;;
  "stack rm") rm export ;;
  "config --json") cat config ;;
  "cancel --yes") rm -r state/.pulumi/locks ;;
  "preview --config-file" | "up --config-file" | "destroy --config-file")
    [ ! -f progress ] || cat progress
    [ ! -f fails ] || exit "$(cat fails)" ;;
esac
`;

export interface FakePulumi {
  /** Where it keeps what it answers, and the tests what they like. */
  readonly directory: string;
  write(file: string, content: unknown): void;
  read(file: string): string;
  /** Its command lines so far, without stack and what follows. */
  asked(): string[];
  remove(): void;
}

export function fakePulumi(): FakePulumi {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-pulumi-"));
  mkdirSync(join(directory, "bin"));
  mkdirSync(join(directory, "state"));
  writeFileSync(join(directory, "bin/pulumi"), PULUMI);
  chmodSync(join(directory, "bin/pulumi"), 0o755);
  vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env.PATH}`);
  vi.stubEnv("FAKE_PULUMI", directory);
  vi.stubEnv("PULUMI_BACKEND_URL", `file://${directory}/state`);
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "");
  const file = (name: string): string => join(directory, name);
  return {
    directory,
    write: (name, content) =>
      writeFileSync(file(name), typeof content === "string" ? content : JSON.stringify(content)),
    read: (name) => readFileSync(file(name), "utf8"),
    asked: () =>
      existsSync(file("asked")) ? readFileSync(file("asked"), "utf8").split("\n").filter(Boolean) : [],
    remove: () => {
      vi.unstubAllEnvs();
      rmSync(directory, { recursive: true });
    },
  };
}
