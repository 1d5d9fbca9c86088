import { createCipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { DOMAIN } from "../../../../../cli/backends/backend";
import { PulumiBackend } from "../../../../../cli/backends/pulumi/backend";
import { passphrase } from "../../../../../cli/backends/pulumi/passphrase";
import { readRecorded, shownOutputs } from "../../../../../cli/stack/recorded";
import { Virsh } from "../../../../../cli/stack/virsh";
import { secret, SIGNATURE } from "../../../../../lib/properties";
import { fakePulumi, type FakePulumi } from "../../support/fakePulumi";
import { fakeHost, type FakeHost } from "../../support/fakeVirsh";

const home = process.cwd();
let pulumi: FakePulumi;
let host: FakeHost;
beforeEach(() => {
  pulumi = fakePulumi();
  host = fakeHost({});
  process.chdir(pulumi.directory);
  mkdirSync("dev", { mode: 0o700 });
});
afterEach(() => {
  process.chdir(home);
  host.remove();
  pulumi.remove();
});

/** A stack file's `encryptionsalt`, made as Pulumi makes it (sdk/go/common/resource/config/crypt.go). */
function salt(phrase: string): string {
  const [bytes, nonce] = [randomBytes(8), randomBytes(12)];
  const cipher = createCipheriv("aes-256-gcm", pbkdf2Sync(phrase, bytes, 1_000_000, 32, "sha256"), nonce);
  const sealed = Buffer.concat([cipher.update("pulumi"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${bytes.toString("base64")}:v1:${nonce.toString("base64")}:${sealed.toString("base64")}`;
}

const backend = (): PulumiBackend =>
  new PulumiBackend("dev", "dev", [{ virsh: new Virsh("test:///default") }], "Pulumi.dev.yaml");
/** Command lines with the paths of this run's files left out. */
const asked = (): string[] =>
  pulumi
    .asked()
    .map((line) => line.replaceAll(`${pulumi.directory}/dev/`, "").replace(/ --yes .*/, " --yes"));
const UP = ["stack export", "up --config-file Pulumi.dev.yaml --yes"];
const summary = (resourceChanges: object): object => ({ summaryEvent: { resourceChanges } });

describe("up", () => {
  it.each(["up", "preview"] as const)("refuses %s by a CLI that was never tested", async (action) => {
    writeFileSync("bin/pulumi", `#!/bin/sh\n[ "$*" = version ] && { echo v3.100.0; exit; }\ntouch other\n`);
    await expect(backend()[action]()).rejects.toThrow(
      'host.pulumi = "v3.100.0": is outside the tested versions: from 3.200.0, below 4.0.0.',
    );
    expect(existsSync("other")).toBe(false);
  });

  it("makes the stack where there is none, says what was done, and leaves the user's file alone", async () => {
    const users = "# mine\nconfig:\n  lvs-dr:port: 8080\n";
    writeFileSync("Pulumi.dev.yaml", users);
    pulumi.write("progress", summary({ create: 3, same: 1 }));
    expect(await backend().up()).toEqual({ create: 3, same: 1 });
    expect(asked()).toEqual([UP[0], "stack init", UP[1]]);
    expect(readFileSync("Pulumi.dev.yaml", "utf8")).toBe(users);
    const ours = parse(readFileSync("dev/Pulumi.dev.yaml", "utf8")) as unknown;
    expect(ours).toEqual({ config: { "lvs-dr:port": 8080 }, encryptionsalt: "v1:new" });
    expect(statSync("dev/Pulumi.dev.yaml").mode & 0o777).toBe(0o600);
  });

  it("makes no file for the user who has none, and takes a salt that the user has", async () => {
    expect(await backend().up()).toEqual({});
    expect(existsSync("Pulumi.dev.yaml")).toBe(false);
    expect(readFileSync("dev/Pulumi.dev.yaml", "utf8")).toBe("encryptionsalt: v1:new\n");
    writeFileSync("Pulumi.dev.yaml", "encryptionsalt: v1:users\n");
    await backend().up();
    expect(readFileSync("dev/Pulumi.dev.yaml", "utf8")).toBe("encryptionsalt: v1:users\n");
  });

  it("fails with Pulumi's status", async () => {
    pulumi.write("export", { deployment: {} });
    pulumi.write("fails", "255");
    await expect(backend().up()).rejects.toThrow("pulumi up ended with status 255");
  });

  it("has what was being created removed, and the pending operations forgotten", async () => {
    host.remove();
    host = fakeHost({ "desc lvs-dr-dev-rs1 --title": "lvs-dr dev: realServer rs1\n" });
    const domain = (name: string) => ({ type: "libvirt:index/domain:Domain", urn: "", inputs: { name } });
    pulumi.write("export", {
      version: 3,
      deployment: {
        resources: [{ type: "x" }],
        pending_operations: [
          { type: "creating", resource: domain("lvs-dr-dev-rs1") },
          { type: "deleting", resource: domain("lvs-dr-dev-rs2") },
        ],
      },
    });
    await backend().up();
    expect(asked()).toEqual([UP[0], "stack import", UP[1]]);
    expect(JSON.parse(pulumi.read("export"))).toEqual({
      version: 3,
      deployment: { resources: [{ type: "x" }] },
    });
    expect(host.asked()).toEqual([
      "desc lvs-dr-dev-rs1 --title",
      "destroy lvs-dr-dev-rs1",
      "undefine lvs-dr-dev-rs1 --managed-save --snapshots-metadata --nvram",
    ]);
  });
});

describe("a host that does not answer", () => {
  const FAR = { libvirtUri: "qemu+ssh://far/system", address: "far", port: 22 };
  const urn = (name: string): string => `urn:pulumi:dev::lvs-dr::t::${name}`;
  const sealed = { [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", plaintext: '{"host":"far"}' };
  const resources = [
    { urn: urn("far"), type: "pulumi:providers:libvirt", inputs: { uri: FAR.libvirtUri } },
    { urn: urn("rs2"), type: DOMAIN, provider: `${urn("far")}::id` },
    { urn: urn("tunnels-far"), type: "command:remote:Command", inputs: { connection: sealed } },
    { urn: urn("rs1"), type: DOMAIN, dependencies: [urn("rs2"), urn("authority")] },
  ];
  beforeEach(() => pulumi.write("export", { version: 3, deployment: { resources } }));
  const last = (): string | undefined => pulumi.asked().at(-1);

  it("is left out of up and preview", async () => {
    const excluded = ["far", "rs2", "tunnels-far"].map((name) => `--exclude ${urn(name)}`).join(" ");
    await backend().up([FAR]);
    expect(last()).toContain(`--refresh ${excluded} --json`);
    expect(pulumi.asked()).toContain("stack export --show-secrets");
    await backend().preview([FAR]);
    expect(last()).toContain(`--refresh ${excluded} --json`);
    await backend().up();
    expect(last()).not.toContain("--exclude");
  });

  it("is forgotten with all that is there, and the rest names nothing of it", async () => {
    expect(await backend().forget([FAR])).toBe(3);
    expect(JSON.parse(pulumi.read("export"))).toEqual({
      version: 3,
      deployment: {
        resources: [{ ...resources[3], dependencies: [urn("authority")], propertyDependencies: {} }],
      },
    });
    expect(await backend().forget([FAR])).toBe(0);
  });
});

describe("the lock of a file backend", () => {
  /** A process that is not there: the largest number the kernel gives is smaller. */
  const GONE = 2 ** 22 + 1;
  const lock = (pid: number, on = hostname()): void => {
    const directory = "state/.pulumi/locks/organization/lvs-dr/dev";
    mkdirSync(directory, { recursive: true });
    pulumi.write(`${directory}/a.json`, { pid, hostname: on });
    pulumi.write(`${directory}/a.json.attrs`, "none of ours");
    pulumi.write("export", { deployment: {} });
  };

  it("is taken away when its process has gone", async () => {
    lock(GONE);
    await backend().up();
    expect(asked()).toEqual(["cancel --yes", ...UP]);
  });

  it("is, too, when another program has its process's number by now", async () => {
    lock(process.pid);
    await backend().destroy();
    expect(asked()).toContain("cancel --yes");
  });

  it("is taken away when its process was killed before it had written it", async () => {
    lock(GONE);
    pulumi.write("state/.pulumi/locks/organization/lvs-dr/dev/a.json", "");
    await backend().up();
    expect(asked()).toEqual(["cancel --yes", ...UP]);
  });

  it.each(["up", "destroy"] as const)(
    "stays when it is another host's, and %s touches nothing",
    async (verb) => {
      lock(GONE, "elsewhere");
      const creating = { type: "creating", resource: { type: DOMAIN, urn: "", inputs: { name: "rs1" } } };
      pulumi.write("export", { deployment: { pending_operations: [creating] } });
      await expect(backend()[verb]()).rejects.toThrow(
        `stack dev is locked by another run of Pulumi, process ${GONE} on elsewhere: wait until it ends`,
      );
      expect(asked().filter((line) => line !== "stack export")).toEqual([]);
      expect(host.asked()).toEqual([]);
    },
  );
});

describe("what a file backend keeps beside the state", () => {
  const attributes = "state/.pulumi/stacks/lvs-dr/dev.json.attrs";
  const lock = "state/.pulumi/locks/organization/lvs-dr/dev/a.json";
  const left = (text: string): void => {
    mkdirSync("state/.pulumi/stacks/lvs-dr", { recursive: true });
    mkdirSync("state/.pulumi/locks/organization/lvs-dr/dev", { recursive: true });
    pulumi.write(attributes, text);
  };

  it("goes where a killed run has left it empty: the state could not be read", () => {
    left("");
    backend();
    expect(existsSync(attributes)).toBe(false);
  });

  it.each([
    ["whole", "{}", undefined],
    ["being written by somebody elsewhere", "", { pid: 1, hostname: "elsewhere" }],
  ])("stays where it is %s", (_, text, holder) => {
    left(text);
    if (holder !== undefined) pulumi.write(lock, holder);
    backend();
    expect(existsSync(attributes)).toBe(true);
  });
});

it("a state that cannot be read is not one that is not there", async () => {
  pulumi.write("unreadable", "error: EOF");
  await expect(backend().up()).rejects.toThrow("pulumi stack export: error: EOF");
  await expect(backend().exists()).rejects.toThrow("error: EOF");
  expect(asked()).not.toContain("stack init");
});

describe("preview", () => {
  it("tells counts and outputs, unknown ones and secrets as such", async () => {
    pulumi.write("export", { deployment: {} });
    const outputs = {
      vip: "10.0.0.100",
      health: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      access: {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        ciphertext: "[secret]",
      },
    };
    const event = (type: string, more: object): string =>
      JSON.stringify({
        resOutputsEvent: { metadata: { op: "same", type, urn: `urn::::${type}::x`, new: { outputs: more } } },
      });
    pulumi.write(
      "progress",
      [
        event("pulumi:pulumi:Stack", {}),
        event("pulumi:pulumi:Stack", outputs),
        event("random:x", { vip: "not the stack's" }),
        ...[
          ["update", DOMAIN, "rs1"],
          ["replace", DOMAIN, "director"],
          ["create-replacement", DOMAIN, "director"],
          ["create", DOMAIN, "rs2"],
          ["same", DOMAIN, "router"],
          ["update", "command:remote:Command", "client"],
        ].map(([op, type, name]) =>
          JSON.stringify({
            resourcePreEvent: { metadata: { op, type, urn: `urn:pulumi:dev::lvs-dr::x$${type}::${name}` } },
          }),
        ),
        JSON.stringify({ summaryEvent: { resourceChanges: { create: 29 } } }),
        JSON.stringify({ cancelEvent: {} }),
      ].join("\n"),
    );
    expect(await backend().preview()).toEqual({
      counts: { create: 29 },
      restarts: ["rs1", "director"],
      outputs: { vip: "10.0.0.100", health: "[unknown]", access: "[secret]" },
    });
    expect(asked()).not.toContain("stack rm --yes");
  });

  it.each(["0", "1"])("leaves no stack that it had to make, and ends with %s", async (status) => {
    pulumi.write("fails", status);
    await backend()
      .preview()
      .catch(() => undefined);
    expect(asked()).toContain("stack init");
    expect(asked().at(-1)).toBe("stack rm --yes");
    expect(await backend().exists()).toBe(false);
  });
});

it("shows what Pulumi does as the embedded engine's work is shown, and lines that are not events as they are", async () => {
  const urn = (type: string, name: string): string => `urn:pulumi:dev::lvs-dr::x$${type}::${name}`;
  const said = (severity: string, on: string, message: string): object => ({
    diagnosticEvent: { urn: on, severity, message, prefix: "", color: "never" },
  });
  const made = { op: "create", type: DOMAIN, urn: urn(DOMAIN, "rs1"), detailedDiff: null };
  const lines = [
    { resourcePreEvent: { metadata: made } },
    { diagnosticEvent: { urn: made.urn, severity: "info", message: "waiting", ephemeral: true } },
    { resOutputsEvent: { metadata: made } },
    said("debug", "", "RegisterResource: privateKey=canary\n"),
    said("info#err", urn("command:remote:Command", "director"), "two\nlines\n"),
    said("error", urn("pulumi:pulumi:Stack", "lvs-dr-dev"), "update failed\n"),
    "warning: a new version is there",
    summary({ create: 1 }),
    '{"diagnosticEvent":{"severity":"debug","message":"privateKey=canary',
  ];
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  pulumi.write("progress", `${text.join("\n")}\n`);
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(await backend().up()).toEqual({ create: 1 });
  const shown = write.mock.calls.map(([line]) => String(line).replace(/[\d.]+ s/, "N s"));
  write.mockRestore();
  expect(shown).toEqual([
    "  create   Domain rs1 N s\n",
    "  info: director: two\nlines\n",
    "  error: update failed\n",
    "warning: a new version is there\n",
  ]);
});

describe("destroy", () => {
  it("does nothing without a stack", async () => {
    expect(await backend().destroy()).toEqual({});
    expect(asked()).toEqual(["stack export"]);
  });

  it("forgets the stack too", async () => {
    pulumi.write("export", { deployment: {} });
    pulumi.write("progress", summary({ delete: 29 }));
    expect(await backend().destroy()).toEqual({ delete: 29 });
    expect(asked().at(-1)).toBe("stack rm --yes");
    expect(await backend().exists()).toBe(false);
  });
});

describe("the configuration", () => {
  it("is the file's where nothing is encrypted", async () => {
    writeFileSync("Pulumi.dev.yaml", "config:\n  lvs-dr:port: 8080\n");
    expect(await backend().config()).toEqual({ "lvs-dr:port": "8080" });
    expect(asked()).toEqual([]);
  });

  it("is what Pulumi says where something is, at any depth", async () => {
    const users = "config:\n  lvs-dr:healthCheck:\n    passwd:\n      secure: v1:abc\n";
    writeFileSync("Pulumi.dev.yaml", users);
    pulumi.write("config", {
      "lvs-dr:healthCheck": {
        value: '{"passwd":"hunter2"}',
        objectValue: { passwd: "hunter2" },
        secret: true,
      },
    });
    expect(await backend().config()).toEqual({ "lvs-dr:healthCheck": '{"passwd":"hunter2"}' });
    expect(asked()).toEqual([
      "stack export",
      "stack init",
      "config --json --show-secrets --config-file Pulumi.dev.yaml",
    ]);
    expect(readFileSync("Pulumi.dev.yaml", "utf8")).toBe(users);
  });
});

it("reads a state with its secrets in the clear, and knows which they are", async () => {
  const plaintext = JSON.stringify({ key: "KEY" });
  const hidden = { [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", plaintext };
  const outputs = { vip: "10.0.0.100", access: { hosts: [hidden] } };
  pulumi.write("export", { deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs }] } });
  const resources = await backend().resources();
  expect(resources).toEqual([
    {
      type: "pulumi:pulumi:Stack",
      outputs: { vip: "10.0.0.100", access: { hosts: [secret({ key: "KEY" })] } },
    },
  ]);
  const recorded = readRecorded(resources, () => undefined);
  expect(shownOutputs(recorded)).toEqual({ vip: "10.0.0.100", access: "[secret]" });
  expect(recorded.outputs).toMatchObject({ access: { hosts: [{ key: "KEY" }] } });
  expect(asked()).toEqual(["stack export --show-secrets"]);
});

it("knows the domains of its state, and those that were being created", async () => {
  const domain = { type: "libvirt:index/domain:Domain" };
  pulumi.write("export", {
    deployment: {
      resources: [
        { type: "pulumi:pulumi:Stack" },
        { ...domain, inputs: { name: "a" }, outputs: { uuid: "1" } },
      ],
      pending_operations: [
        { type: "creating", resource: { ...domain, inputs: { name: "b" } } },
        { type: "updating", resource: { ...domain, inputs: { name: "a" } } },
      ],
    },
  });
  expect([...(await backend().domains())]).toEqual([
    ["b", undefined],
    ["a", "1"],
  ]);
});

describe("where the user has chosen no backend", () => {
  beforeEach(() => {
    delete process.env.PULUMI_BACKEND_URL;
    process.env.PULUMI_HOME = join(pulumi.directory, "home");
  });

  it("the state is beside the stack, and the passphrase the checkout's, which outlives the stack", () => {
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    backend();
    expect(statSync("dev/pulumi").mode & 0o777).toBe(0o700);
    expect(statSync("@passphrase").mode & 0o777).toBe(0o600);
    const phrase = readFileSync("dev/passphrase", "utf8");
    expect(phrase).toMatch(/^[\w-]{32}$/);
    rmSync("dev", { recursive: true });
    backend();
    expect(readFileSync("dev/passphrase", "utf8")).toBe(phrase);
  });

  it("a stack of an earlier version keeps its own passphrase, which becomes the checkout's if there is none", () => {
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    writeFileSync("dev/passphrase", "old");
    expect(passphrase("dev")).toBe("old");
    expect(readFileSync("@passphrase", "utf8")).toBe("old");
    mkdirSync("second");
    writeFileSync("second/passphrase", "other");
    expect([passphrase("second"), passphrase("dev")]).toEqual(["other", "old"]);
  });

  describe("and plain pulumi has written its salt into the user's file", () => {
    // As `PULUMI_CONFIG_PASSPHRASE=correct pulumi stack init` made it.
    const SALT = salt("correct");
    const users = `# mine\nconfig:\n  lvs-dr:port: 8080\n`;
    beforeEach(() => {
      delete process.env.PULUMI_CONFIG_PASSPHRASE;
      writeFileSync("@passphrase", "correct");
      pulumi.write("export", { deployment: {} });
      vi.spyOn(process.stderr, "write").mockReturnValue(true);
    });
    const secretValue = "config:\n  lvs-dr:healthCheck:\n    passwd:\n      secure: v1:abc\n";

    it("the line goes again where nothing in the file is encrypted, and everything works", async () => {
      for (const line of [SALT, salt("another")]) {
        writeFileSync("Pulumi.dev.yaml", `encryptionsalt: ${line}\n${users}`);
        await backend().up();
        expect(readFileSync("Pulumi.dev.yaml", "utf8")).toBe(users);
        expect(readFileSync("dev/Pulumi.dev.yaml", "utf8")).not.toContain(line);
      }
    });

    it("the same in the shell that is set up for plain pulumi, also after `down` has removed all of the stack", async () => {
      vi.stubEnv("PULUMI_BACKEND_URL", `file://${process.cwd()}/dev/pulumi?metadata=skip`);
      vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", `${process.cwd()}/dev/passphrase`);
      rmSync("dev", { recursive: true });
      writeFileSync("Pulumi.dev.yaml", `${users}encryptionsalt: ${SALT}\n`);
      await backend().up();
      expect(readFileSync("Pulumi.dev.yaml", "utf8")).toBe(users);
      expect(statSync("dev/pulumi").isDirectory()).toBe(true);
      expect(readFileSync("dev/passphrase", "utf8")).toBe("correct");
    });

    it("it stays where something is, and Pulumi gets it", async () => {
      const text = `${secretValue}encryptionsalt: ${SALT}\n`;
      writeFileSync("Pulumi.dev.yaml", text);
      await backend().up();
      expect(readFileSync("Pulumi.dev.yaml", "utf8")).toBe(text);
      expect(readFileSync("dev/Pulumi.dev.yaml", "utf8")).toContain(SALT);
    });

    it("what was encrypted with another passphrase is refused by name, with what to do; destroy works", async () => {
      writeFileSync("Pulumi.dev.yaml", `${secretValue}encryptionsalt: ${salt("another")}\n`);
      await expect(backend().up()).rejects.toThrow(
        /^Pulumi\.dev\.yaml: lvs-dr:healthCheck was encrypted with another passphrase than \.lab\/@passphrase\. Either set PULUMI_CONFIG_PASSPHRASE.*pulumi config set --secret/,
      );
      expect(asked()).not.toContain(UP[1]);
      await backend().destroy();
      expect(asked()).toContain("destroy --config-file Pulumi.dev.yaml --yes");
    });
  });

  it("the user's own passphrase is taken, be it empty or in a file", () => {
    backend();
    expect(existsSync("dev/passphrase")).toBe(false);
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE_FILE", "mine");
    backend();
    expect(existsSync("dev/passphrase")).toBe(false);
  });
});

it("makes up no passphrase for a backend that the user has chosen", () => {
  delete process.env.PULUMI_CONFIG_PASSPHRASE;
  backend();
  expect(existsSync("dev/passphrase")).toBe(false);
});
