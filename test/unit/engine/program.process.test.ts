import * as fs from "node:fs";
import * as path from "node:path";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { EmbeddedEngine, type EngineConfig } from "../../../engine";
import { exec as realExec, type Exec } from "../../../lib/process";
import type { State } from "../../../engine/state";
import { secret } from "../../../lib/properties";
import { nameOf } from "../../../lib/urn";
import { FakeHost } from "./support/fakeHost";
import { outputsIn, recorded, temporaryDirectory } from "./support/stack";

/** Real Pulumi programs in processes of their own; only virsh and ssh are stand-ins. */
const CANARY = "canary-7f3a";

let directory = "";
let host: FakeHost;
let events: EngineEvent[];
let sshInput: string[];

beforeAll(() => {
  // Type checking is the project's own business; here it would only take time.
  process.env.PULUMI_NODEJS_TRANSPILE_ONLY = "true";
});

beforeEach(() => {
  directory = temporaryDirectory();
  host = new FakeHost();
  events = [];
  sshInput = [];
  return () => fs.rmSync(directory, { recursive: true });
});

const exec: Exec = async (file, args, options) => {
  if (file === "virsh") return host.exec(file, args, options);
  if (file !== "ssh") return realExec(file, args, options);
  sshInput.push(options?.stdin ?? "");
  options?.onLine?.(`configured with ${CANARY}`, "stdout");
  return { code: 0, stdout: `configured with ${CANARY}\n`, stderr: "", output: "" };
};

const engine = (program: string): EmbeddedEngine =>
  new EmbeddedEngine({
    projectDir: path.join(__dirname, "programs", program),
    stack: "dev",
    stateFile: `${directory}/state/dev.json`,
    onEvent: (event) => events.push(event),
    exec,
  });

const state = (program: string): State => recorded(`${directory}/state/dev.json`, `engine-${program}`);

const config = (memory: number): EngineConfig => ({
  canary: CANARY,
  shape: JSON.stringify({ memory }),
});

/** What ended well, or not, for a resource. */
const outcome = (name: string): string | undefined =>
  events
    .flatMap(({ resOutputsEvent: made, resOpFailedEvent: failed }) => {
      const { urn = "", op = "" } = (made ?? failed)?.metadata ?? {};
      return nameOf(urn) === name ? [failed ? `${op} failed` : op] : [];
    })
    .pop();

test("preview, up, changed preview and destroy of a whole lab", { timeout: 120_000 }, async () => {
  const lab = engine("lab");
  const preview = await lab.preview(config(256));
  expect(preview).toMatchObject({ ok: true, errors: [], changes: { create: 14 } });
  // What hangs on something yet to be made is unknown, and functions of it were not called.
  expect(preview.outputs).toMatchObject({
    stdout: "[unknown]",
    seen: "[unknown]",
    plain: { memory: 256, list: [true, null] },
  });
  expect([host.log, sshInput, fs.existsSync(`${directory}/state`)]).toEqual([[], [], false]);

  const up = await lab.up(config(256));
  expect(up).toMatchObject({ ok: true, errors: [], changes: { create: 14 } });
  expect(up.outputs).toMatchObject({
    names: ["a", "b"],
    stdout: "[secret]",
    plain: { memory: 256, list: [true, null] },
  });
  expect(up.outputs.seen).toBe(`seen ${host.domains.get("a")?.uuid ?? ""}`);
  expect(outputsIn(state("lab")).stdout).toEqual(secret(`configured with ${CANARY}`));
  expect(sshInput).toHaveLength(2);
  expect(sshInput[0]).toMatch(new RegExp(`^${CANARY} [A-Za-z0-9]{8}$`));

  host.log.length = 0;
  const changed = await lab.preview(config(512));
  expect(changed.changes).toMatchObject({ update: 2, same: 12, create: 0, replace: 0 });
  expect(host.log).toEqual([]);

  // No secret in anything shown, nor in any file but the key's.
  expect(JSON.stringify([events, up, changed])).not.toContain(CANARY);
  const said = events.map(({ diagnosticEvent }) => diagnosticEvent?.message);
  expect(said).toContain("the program prints [secret]");
  for (const file of fs.readdirSync(`${directory}/state`)) {
    expect(fs.readFileSync(`${directory}/state/${file}`, "utf8")).not.toContain(CANARY);
  }

  expect(await lab.destroy()).toMatchObject({ ok: true, changes: { delete: 14 } });
  expect([host.contents(), state("lab").resources]).toEqual([[], []]);
});

test(
  "a failure spares what is independent of it, and is told with its name",
  { timeout: 120_000 },
  async () => {
    const result = await engine("failing").up({});
    expect(result.ok).toBe(false);
    expect(result.errors).toEqual(['bad: exit status 7: running "echo it broke; exit 7":\nit broke']);
    expect(["independent", "takes-its-output", "takes-its-value", "bad"].map(outcome)).toEqual([
      "create",
      undefined,
      undefined,
      "create failed",
    ]);
    expect(result.outputs).toEqual({ fine: 1 });
    expect(state("failing").resources.map((r) => r.urn.split("::").pop())).toContain("independent");
  },
);
