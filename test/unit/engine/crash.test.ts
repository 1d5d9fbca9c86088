import * as fs from "node:fs";
import { expect, test } from "vitest";
import { commandProvider } from "../../../engine/providers/command";
import type { Provider } from "../../../engine/providers/provider";
import { FakeHost, hostFrom, imageOf, type HostImage } from "./support/fakeHost";
import { lab } from "./support/lab";
import { inProcess, NO_CONFIG, stack, temporaryDirectory, type TestProgram } from "./support/stack";

/** What a crash leaves: the host as it is, and the files of the state. */
interface Wreck {
  readonly at: string;
  readonly host: HostImage;
  readonly files: Readonly<Record<string, Buffer>>;
}

/** Commands that write down on which disks their guest was configured. */
function providersOf(host: FakeHost): (type: string) => Provider | undefined {
  const configure = commandProvider((_, __, ___, { name }) => {
    const domain = host.domains.get(`dev-${name.replace("-configure", "")}`);
    if (domain?.state !== "running") throw new Error(`${name}: its guest does not run`);
    domain.configuredOn = host.disksOf(domain);
    return Promise.resolve({ stdout: "done", stderr: "" });
  });
  return (type) => (type === "command:test:Command" ? configure : undefined);
}

function filesOf(directory: string): Record<string, Buffer> {
  if (!fs.existsSync(`${directory}/state`)) return {};
  const names = fs.readdirSync(`${directory}/state`).filter((name) => !/\.(lock|scratch)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(`${directory}/state/${name}`)]));
}

/** What `up` starts before it runs the engine; what cannot start is refused. */
async function startAll(host: FakeHost): Promise<void> {
  const virsh = (...args: string[]): Promise<unknown> => host.exec("virsh", ["-c", "", "-q", ...args]);
  for (const [name, { active }] of host.pools) if (!active) await virsh("pool-start", name);
  for (const [name, { active }] of host.networks) if (!active) await virsh("net-start", name);
  for (const name of host.domains.keys()) await virsh("start", name);
}

async function run(
  wreck: Wreck,
  program: TestProgram,
  action: "up" | "destroy",
): Promise<{ host: FakeHost; wrecks: Wreck[]; files: Record<string, Buffer> }> {
  const directory = temporaryDirectory();
  fs.mkdirSync(`${directory}/state`);
  for (const [name, content] of Object.entries(wreck.files))
    fs.writeFileSync(`${directory}/state/${name}`, content);
  const host = hostFrom(wreck.host);
  if (action === "up") await startAll(host);
  const wrecks: Wreck[] = [];
  const record =
    (at: string) =>
    (command: string): void =>
      void wrecks.push({ at: `${at} ${command}`, host: imageOf(host), files: filesOf(directory) });
  host.before = record("before");
  host.after = record("after");
  const providers = providersOf(host);
  const { engine } = stack(directory, { exec: host.exec, providers, program: inProcess(() => program) });
  const result = action === "up" ? await engine.up(NO_CONFIG) : await engine.destroy();
  expect(result.errors, `${action} after a crash ${wreck.at}`).toEqual([]);
  const files = filesOf(directory);
  fs.rmSync(directory, { recursive: true });
  return { host, wrecks, files };
}

const NOTHING: Wreck = { at: "never", host: imageOf(new FakeHost()), files: {} };
const FULL = [
  "domain dev-a",
  "domain dev-b",
  "network dev-net",
  "pool dev",
  "volume dev/dev-a.qcow2",
  "volume dev/dev-b.qcow2",
];

/** From every crash point, `up` must complete the lab and `destroy` must leave nothing. */
async function survives(wrecks: readonly Wreck[], program: TestProgram): Promise<void> {
  expect(wrecks.length).toBeGreaterThan(10);
  for (const wreck of wrecks) {
    const completed = await run(wreck, program, "up");
    expect(completed.host.contents(), `up after a crash ${wreck.at}`).toEqual(FULL);
    for (const [name, domain] of completed.host.domains) {
      expect(domain, `${name} after a crash ${wreck.at}`).toMatchObject({
        state: "running",
        runsOn: completed.host.surroundings(domain),
        configuredOn: completed.host.disksOf(domain),
      });
    }
    const state = JSON.parse(String(completed.files["dev.json"])) as {
      resources: { doomed?: true }[];
      intents: unknown[];
    };
    expect(state.intents).toEqual([]);
    expect(state.resources.filter((r) => r.doomed)).toEqual([]);
    const destroyed = await run(wreck, program, "destroy");
    expect(destroyed.host.contents(), `destroy after a crash ${wreck.at}`).toEqual([]);
    expect(JSON.parse(String(destroyed.files["dev.json"]))).toMatchObject({ resources: [], intents: [] });
  }
}

test("a crash at any point of the first up", async () => {
  const { wrecks } = await run(NOTHING, lab(), "up");
  await survives(wrecks, lab());
});

test("a crash at any point of an up that changes and replaces", async () => {
  const { host, files } = await run(NOTHING, lab({ guests: ["a", "c"] }), "up");
  const before = { at: "before the change", host: imageOf(host), files };
  // c goes, b comes, a gets other memory and a disk made anew, because its volume was deleted by hand.
  before.host.pools.get("dev")?.volumes.delete("dev-a.qcow2");
  const changed = lab({ memory: 512 });
  const { wrecks } = await run(before, changed, "up");
  await survives(wrecks, changed);
});

test("a crash at any point of an up that makes anew what was deleted by hand", async () => {
  const { host, files } = await run(NOTHING, lab(), "up");
  const before = { at: "before the deletion", host: imageOf(host), files };
  // Its domains run on without it, and keep their links to nowhere until they are started anew.
  before.host.networks.clear();
  before.host.pools.get("dev")?.volumes.delete("dev-b.qcow2");
  const { wrecks } = await run(before, lab(), "up");
  await survives(wrecks, lab());
});

test("a crash at any point of destroy", async () => {
  const { host, files } = await run(NOTHING, lab(), "up");
  const { wrecks } = await run({ at: "complete", host: imageOf(host), files }, lab(), "destroy");
  await survives(wrecks, lab());
});

test("what a crash left is removed only when it is ours", async () => {
  const { wrecks } = await run(NOTHING, lab(), "up");
  const wreck = wrecks.find((w) => w.at === "before define --validate XML");
  if (!wreck) throw new Error("no such crash point");
  // Somebody else makes a domain of that name between the crash and the next run.
  wreck.host.domains.set("dev-a", { uuid: "foreign", state: "running", xml: "" });
  const directory = temporaryDirectory();
  fs.mkdirSync(`${directory}/state`);
  for (const [name, content] of Object.entries(wreck.files))
    fs.writeFileSync(`${directory}/state/${name}`, content);
  const host = hostFrom(wreck.host);
  const providers = providersOf(host);
  const { engine } = stack(directory, { exec: host.exec, providers, program: inProcess(() => lab()) });
  const up = await engine.up(NO_CONFIG);
  expect(up.errors.join()).toContain('a domain named "dev-a" exists already and was not made by this stack');
  expect(up.errors.join()).toContain("virsh -c test:///default undefine dev-a");
  expect((await engine.destroy()).ok).toBe(true);
  expect(host.contents()).toEqual(["domain dev-a"]);
});
