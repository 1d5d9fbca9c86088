import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { commandProvider } from "../../../engine/providers/command";
import type { Provider } from "../../../engine/providers/provider";
import { secret, UNKNOWN, type Properties } from "../../../lib/properties";
import { FakeHost } from "./support/fakeHost";
import { lab, LIBVIRT, type LabOptions } from "./support/lab";
import {
  inProcess,
  NO_CONFIG,
  outputsIn,
  recorded,
  stack,
  temporaryDirectory,
  type Stack,
  type TestProgram,
} from "./support/stack";

let directory = "";
let host: FakeHost;
/** What the test commands ran, in order. */
let ran: string[];
/** What a test command does, by its text. */
let behaviour: (command: string, signal: AbortSignal) => Promise<void>;

beforeEach(() => {
  directory = temporaryDirectory();
  host = new FakeHost();
  ran = [];
  behaviour = () => Promise.resolve();
  return () => fs.rmSync(directory, { recursive: true });
});

const commands: Provider = commandProvider(async (command, _, __, { signal }) => {
  await behaviour(command, signal);
  ran.push(command);
  return { stdout: `ran ${command}`, stderr: "" };
});

function engine(program: TestProgram): Stack {
  const providers = (type: string): Provider | undefined =>
    type === "command:test:Command" ? commands : undefined;
  return stack(directory, { exec: host.exec, providers, program: inProcess(() => program) });
}

async function up(program: TestProgram): Promise<Stack & { errors: readonly string[] }> {
  const current = engine(program);
  const { errors } = await current.engine.up(NO_CONFIG);
  return { ...current, errors };
}

const labUp = (options?: LabOptions): ReturnType<typeof up> => up(lab(options));

test("a resource is taken over from the URN of an alias, with whatever names it", async () => {
  await labUp();
  const before = recorded(engine(lab()).stateFile).resources;
  const { done, errors, stateFile } = await labUp({ cluster: true, memory: 512 });
  expect(errors).toEqual([]);
  expect(done()).toEqual(["create cluster", "update a", "update b"]);
  const { resources } = recorded(stateFile);
  expect(resources.map(({ id }) => id).sort()).toEqual(["", ...before.map(({ id }) => id)].sort());
  const known = new Set(resources.map(({ urn }) => urn));
  const named = resources.flatMap(({ parent, dependencies, propertyDependencies }) => [
    parent,
    ...dependencies,
    ...Object.values(propertyDependencies).flat(),
  ]);
  expect(named.filter((urn) => urn !== "" && !known.has(urn))).toEqual([]);
  expect((await labUp({ cluster: true, memory: 512 })).done()).toEqual([]);
});

test("what was begun under the URN of an alias is ended", async () => {
  host.before = (command) => {
    if (command.startsWith("define")) throw new Error("no room");
  };
  await labUp();
  host.before = () => undefined;
  const { done, errors } = await labUp({ cluster: true });
  expect(errors).toEqual([]);
  expect(done()).toEqual(expect.arrayContaining(["create cluster", "create a", "create b"]));
  expect(host.contents().filter((each) => each.startsWith("domain"))).toEqual([
    "domain dev-a",
    "domain dev-b",
  ]);
});

test("a program can ask what the last up has left as outputs", async () => {
  const asked: Properties[] = [];
  const program: TestProgram = async (_declare, _stack, invoke) => {
    asked.push(await invoke("pulumi:pulumi:readStackOutputs", { name: "organization/p/dev" }));
    return { round: asked.length };
  };
  expect((await up(program)).errors).toEqual([]);
  expect((await up(program)).errors).toEqual([]);
  expect(asked.map(({ outputs }) => outputs)).toEqual([{}, { round: 1 }]);
});

describe("outputs of the last up", () => {
  const outputs = async (program: TestProgram): Promise<Properties> =>
    outputsIn(recorded((await up(program)).stateFile));
  const failing: TestProgram = async (declare) => {
    await declare("command:test:Command", "c", { create: "false" });
    return { a: 2 };
  };

  test("outlive a program that fails, as with Pulumi, and go with one that does not register them", async () => {
    await up(() => Promise.resolve({ a: 1, b: 1 }));
    const refused: TestProgram = () => Promise.reject(new Error("the configuration has a problem"));
    expect(await outputs(refused)).toEqual({ a: 1, b: 1 });
    behaviour = () => Promise.reject(new Error("exit 1"));
    expect(await outputs(failing)).toEqual({ a: 2, b: 1 });
    behaviour = () => Promise.resolve();
    expect(await outputs(failing)).toEqual({ a: 2 });
  });

  test("stay a component's where a failure has left one of them unknown", async () => {
    let lab: Properties[string] = { size: 1 };
    const program: TestProgram = async (declare, _stack, _invoke, setOutputs) => {
      const { urn } = await declare("test:index:Record", "r", {}, { custom: false });
      setOutputs(urn, { lab, other: 1 });
    };
    const record = async (): Promise<Properties | undefined> =>
      recorded((await up(program)).stateFile).resources.find(({ type }) => type === "test:index:Record")
        ?.outputs;
    await up(program);
    lab = { size: 2, hash: UNKNOWN };
    expect(await record()).toEqual({ lab: { size: 1 }, other: 1 });
    lab = { size: 2, hash: "x" };
    expect(await record()).toEqual({ lab: { size: 2, hash: "x" }, other: 1 });
  });
});

describe("up, again", () => {
  test("nothing changed: nothing is done, and the state is not even written", async () => {
    const first = await labUp();
    const written = fs.statSync(first.stateFile).mtimeMs;
    host.log.length = 0;
    const second = await labUp();
    expect([second.done(), host.log]).toEqual([[], []]);
    expect(fs.statSync(first.stateFile).mtimeMs).toBe(written);
  });

  test("changed memory: the domains are updated in place and nothing else", async () => {
    await labUp({ guests: ["a"] });
    host.log.length = 0;
    const { done } = await labUp({ guests: ["a"], memory: 512 });
    expect(done()).toEqual(["update a"]);
    expect(host.log).toEqual(["shutdown dev-a", "define --validate XML", "start dev-a"]);
    expect(host.domains.get("dev-a")?.xml).toContain("<memory>512</memory>");
  });

  test("a guest gone from the program is deleted after the rest, dependents first", async () => {
    await labUp();
    const { done } = await labUp({ guests: ["a"] });
    expect(done()).toEqual(["delete b-configure", "delete b", "delete b-disk"]);
  });

  test("a failed program deletes nothing", async () => {
    await labUp();
    const failing: TestProgram = async (...given) => {
      await lab({ guests: ["a"] })(...given);
      throw new Error("thrown by the program");
    };
    const { done, errors } = await up(failing);
    expect([done(), errors]).toEqual([[], ["Error: thrown by the program"]]);
  });
});

describe("drift", () => {
  const repaired = async (): Promise<readonly [string[], (name: string) => readonly string[]]> => {
    ran.length = 0;
    const { done, reasons } = await labUp({ guests: ["a"] });
    return [done(), reasons];
  };
  beforeEach(async () => void (await labUp({ guests: ["a"] })));

  test("an undefined domain is made again, and what ran in it runs again", async () => {
    host.domains.delete("dev-a");
    const [done, reasons] = await repaired();
    expect(done).toEqual(["create a", "replace a-configure", "delete-replaced a-configure"]);
    expect([ran, reasons("a")]).toEqual([["true"], ["a: was gone"]]);
  });

  test("a missing disk is made again, its domain started afresh and configured again", async () => {
    host.pools.get("dev")?.volumes.clear();
    expect((await repaired())[0]).toEqual(["create a-disk", "update a", "update a-configure"]);
    expect(ran).toEqual(["true"]);
  });

  test("so is one whose file alone is gone, which libvirt goes on listing", async () => {
    host.pools.get("dev")?.volumes.clear();
    host.ghosts.add("dev/dev-a.qcow2");
    expect((await repaired())[0]).toEqual(["create a-disk", "update a", "update a-configure"]);
    host.pools.get("dev")?.volumes.clear();
    host.ghosts.add("dev/dev-a.qcow2");
    expect((await engine(lab()).engine.destroy()).errors).toEqual([]);
    expect([host.contents(), [...host.ghosts]]).toEqual([[], []]);
  });

  test("a network is made again, and its guests are started afresh", async () => {
    host.networks.clear();
    expect((await repaired())[0]).toEqual(["create net", "update a", "update a-configure"]);
    const domain = host.domains.get("dev-a");
    expect(domain?.runsOn).toBe(domain && host.surroundings(domain));
  });

  test("what libvirt has stopped is not for the engine to start", async () => {
    for (const thing of [...host.networks.values(), ...host.pools.values()]) thing.active = false;
    for (const domain of host.domains.values()) domain.state = "shut off";
    expect((await repaired())[0]).toEqual([]);
  });

  test("a preview says so and touches nothing", async () => {
    host.domains.delete("dev-a");
    host.log.length = 0;
    const { engine: previewing, done, reasons } = engine(lab({ guests: ["a"] }));
    await previewing.preview(NO_CONFIG);
    expect(done()).toEqual(["create a", "replace a-configure", "delete-replaced a-configure"]);
    expect(reasons("a")).toEqual(["a: was gone"]);
    expect(host.log).toEqual([]);
  });
});

describe("destroy", () => {
  test("goes backwards, spares the commands of vanishing guests, and leaves nothing", async () => {
    await labUp({ guests: ["a"] });
    const { engine: destroying, done } = engine(lab());
    expect(await destroying.destroy()).toMatchObject({ ok: true, changes: { delete: 7 } });
    expect(done()).toEqual(
      ["delete a-configure", "delete a", "delete a-disk", "delete net", "delete pool", "delete libvirt"].sort(
        (x, y) => done().indexOf(x) - done().indexOf(y),
      ),
    );
    expect(done().slice(0, 2)).toEqual(["delete a-configure", "delete a"]);
    expect(host.contents()).toEqual([]);
  });

  test.each(["paused", "crashed", "running"])("a %s domain with snapshots", async (state) => {
    await labUp({ guests: ["a"] });
    Object.assign(host.domains.get("dev-a") ?? {}, { state, snapshots: true });
    expect((await engine(lab()).engine.destroy()).errors).toEqual([]);
    expect(host.contents()).toEqual([]);
  });

  test("what has gone already is no obstacle, stopped networks and pools neither", async () => {
    await labUp();
    host.domains.delete("dev-a");
    host.pools.get("dev")?.volumes.delete("dev-b.qcow2");
    for (const thing of [...host.networks.values(), ...host.pools.values()]) thing.active = false;
    expect((await engine(lab()).engine.destroy()).errors).toEqual([]);
    expect(host.contents()).toEqual([]);
  });

  test("what fails keeps what it depends on; the rest goes, and the next destroy ends it", async () => {
    await labUp();
    host.before = (command) => {
      if (command === "destroy dev-a") throw new Error("stuck");
    };
    const result = await engine(lab()).engine.destroy();
    expect(result).toMatchObject({ ok: false, errors: ["a: stuck"] });
    expect(host.contents()).toEqual([
      "domain dev-a",
      "network dev-net",
      "pool dev",
      "volume dev/dev-a.qcow2",
    ]);
    host.before = () => undefined;
    expect((await engine(lab()).engine.destroy()).ok).toBe(true);
    expect(host.contents()).toEqual([]);
  });
});

describe("failure", () => {
  test("names the resource, fails its dependents only, keeps the rest, and the next up completes", async () => {
    host.before = (command) => {
      if (command === "start dev-a") throw new Error("no memory left");
    };
    const { errors, done } = await labUp();
    expect(errors).toEqual(["a: no memory left"]);
    expect(done()).not.toContain("create a-configure");
    expect(ran).toEqual(["true"]);
    expect(host.contents()).toEqual([
      "domain dev-b",
      "network dev-net",
      "pool dev",
      "volume dev/dev-a.qcow2",
      "volume dev/dev-b.qcow2",
    ]);
    host.before = () => undefined;
    expect((await labUp()).done()).toEqual(["create a", "create a-configure"]);
  });

  test("an update that failed is done again, even when the change is taken back", async () => {
    await labUp({ guests: ["a"] });
    host.before = (command) => {
      if (command === "define --validate XML") throw new Error("refused");
    };
    expect((await labUp({ guests: ["a"], memory: 512 })).errors).toEqual(["a: refused"]);
    host.before = () => undefined;
    const back = await labUp({ guests: ["a"] });
    expect(back.reasons("a")).toEqual(["a: an earlier update was interrupted"]);
    expect(host.domains.get("dev-a")).toMatchObject({ state: "running" });
  });

  test.each([
    [LIBVIRT.pool, "storage pool", { name: "x" }, "virsh -c qemu:///system pool-destroy x"],
    [LIBVIRT.network, "network", { name: "x" }, "virsh -c qemu:///system net-undefine x"],
    [
      LIBVIRT.volume,
      "storage volume",
      { name: "x", pool: "x" },
      "virsh -c qemu:///system vol-delete --pool x x",
    ],
    [LIBVIRT.domain, "domain", { name: "x" }, "virsh -c qemu:///system undefine x --managed-save"],
  ])("a foreign thing of the same name is left alone: %s", async (type, kind, inputs, remedy) => {
    host.pools.set("x", { uuid: "u", active: true, volumes: new Map([["x", ""]]) });
    host.networks.set("x", { uuid: "u", active: true, starts: 1 });
    host.domains.set("x", { uuid: "u", state: "running", xml: "" });
    const { errors } = await up(async (declare) => void (await declare(type, "thing", inputs)));
    expect(errors.join()).toContain(`a ${kind} named "x" exists already and was not made by this stack`);
    expect(errors.join()).toContain(remedy);
    expect(host.log).toEqual([]);
  });
});

const command = (create: string, more: Properties = {}): Properties => ({ create, ...more });
const TEST = "command:test:Command";

test("what a disk made anew means for others is remembered until they had their turn", async () => {
  const program =
    (other: string): TestProgram =>
    async (declare) => {
      const pool = await declare(LIBVIRT.pool, "pool", { name: "dev", target: { path: "/nowhere/dev" } });
      const volume = { name: "disk", pool: "dev", capacity: 1 };
      const disk = await declare(LIBVIRT.volume, "disk", volume, { dependencies: [pool.urn] });
      const before = await declare(TEST, "other", command(other));
      const dependencies = [disk.urn, before.urn];
      await declare(TEST, "configure", command("configure"), { dependencies });
    };
  await up(program("other"));
  host.pools.get("dev")?.volumes.clear();
  behaviour = (text) => (text === "fails" ? Promise.reject(new Error("failed")) : Promise.resolve());
  const failed = await up(program("fails"));
  expect(failed.done()).toEqual(["create disk"]);
  const next = await up(program("other"));
  expect(next.done()).toEqual(["update other", "update configure"]);
  expect(next.reasons("configure")).toEqual(["configure: its dependency disk was recreated"]);
  expect((await up(program("other"))).done()).toEqual([]);
});

describe("order", () => {
  test("a slow connection holds up only what depends on it", async () => {
    behaviour = (text) => (text === "slow" ? sleep(150).then(() => undefined) : Promise.resolve());
    await up(async (declare) => {
      const slow = declare(TEST, "slow", command("slow"));
      await Promise.all([..."abcdefgh"].map((name) => declare(TEST, name, command(name))));
      await declare(TEST, "after", command("after"), { dependencies: [(await slow).urn] });
    });
    expect(ran).toEqual([..."abcdefgh", "slow", "after"]);
  });

  test("a replacement is made before the old one goes, unless it must be the other way round", async () => {
    const program =
      (trigger: string, options = {}): TestProgram =>
      async (declare) =>
        void (await declare(
          TEST,
          "r",
          command(`make ${trigger}`, { triggers: [trigger], delete: `unmake ${trigger}` }),
          options,
        ));
    await up(program("1"));
    const { done } = await up(program("2"));
    expect([ran.slice(1), done()]).toEqual([
      ["make 2", "unmake 1"],
      ["replace r", "delete-replaced r"],
    ]);
    await up(program("3", { deleteBeforeReplace: true }));
    expect(ran.slice(3)).toEqual(["unmake 2", "make 3"]);
  });

  test("what cannot live without a replaced dependency goes before it and comes back after it", async () => {
    const program =
      (trigger: string): TestProgram =>
      async (declare) => {
        const inputs = (name: string, on: string): Properties =>
          command(`make ${name}`, { triggers: [on], delete: `unmake ${name}` });
        const base = await declare(TEST, "base", inputs("base", trigger), { deleteBeforeReplace: true });
        const takes = { dependencies: [base.urn], propertyDependencies: { triggers: [base.urn] } };
        const middle = await declare(TEST, "middle", inputs("middle", base.id), takes);
        const onMiddle = { dependencies: [middle.urn], propertyDependencies: { triggers: [middle.urn] } };
        await declare(TEST, "top", inputs("top", middle.id), onMiddle);
      };
    await up(program("1"));
    ran.length = 0;
    const preview = engine(program("2"));
    await preview.engine.preview(NO_CONFIG);
    const replaced = ["top", "middle", "base"].map((name) => `delete-replaced ${name}`);
    replaced.push(...["base", "middle", "top"].map((name) => `replace ${name}`));
    expect(preview.done()).toEqual(replaced);
    const { done } = await up(program("2"));
    expect(ran).toEqual([
      "unmake top",
      "unmake middle",
      "unmake base",
      "make base",
      "make middle",
      "make top",
    ]);
    expect(done()).toEqual(replaced);
  });
});

test("additionalSecretOutputs, and outputs of secret inputs, are secret", async () => {
  const { stateFile } = await up(async (declare) => {
    const a = await declare(TEST, "a", command("canary-a"), {
      additionalSecretOutputs: ["stdout", "create"],
    });
    const b = await declare(TEST, "b", command("b", { stdin: secret("canary-b") }));
    return { a: a.outputs.stdout ?? null, b: b.outputs.stdout ?? null };
  });
  expect(outputsIn(recorded(stateFile))).toEqual({ a: secret("ran canary-a"), b: secret("ran b") });
  expect(fs.readFileSync(stateFile, "utf8")).not.toContain("canary-b");
});

describe("interruption", () => {
  test("stops new work, ends what waits, keeps what is done, and the next up completes", async () => {
    const program: TestProgram = async (declare) => {
      const first = await declare(TEST, "first", command("first"));
      const slow = await declare(TEST, "slow", command("slow"), { dependencies: [first.urn] });
      await declare(TEST, "late", command("late"), { dependencies: [slow.urn] });
    };
    const current = engine(program);
    behaviour = async (text, signal) => {
      if (text !== "slow") return;
      current.engine.interrupt();
      await sleep(5_000, undefined, { signal }).catch(() => Promise.reject(new Error("cut")));
    };
    const begin = Date.now();
    expect(await current.engine.up(NO_CONFIG)).toMatchObject({ ok: false, interrupted: true });
    expect(Date.now() - begin).toBeLessThan(2_000);
    expect([ran, current.done()]).toEqual([["first"], ["create first"]]);
    behaviour = () => Promise.resolve();
    expect((await up(program)).done()).toEqual(["create slow", "create late"]);
  });

  test("shows nothing of what the program says of it", async () => {
    const current = stack(directory, {
      exec: host.exec,
      program: ({ onLine }, { log }) => {
        onLine("before", "stderr");
        current.engine.interrupt();
        onLine("Error: Channel has been shut down", "stderr");
        log("error", "failed with an unhandled exception: exit status 143", "");
        return Promise.resolve(1);
      },
    });
    expect(await current.engine.up(NO_CONFIG)).toMatchObject({ interrupted: true, errors: ["interrupted"] });
    const lines = current.events.flatMap(({ diagnosticEvent }) => diagnosticEvent?.message ?? []);
    expect(lines).toEqual(["before"]);
  });
});
