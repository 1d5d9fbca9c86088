/** A stack on two hosts, one of which does not answer. */
import * as fs from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { EmbeddedBackend } from "../../../cli/backends/embedded/backend";
import type { HostPlace } from "../../../lib/hostPlace";
import { nameOf } from "../../../lib/urn";
import type { State } from "../../../engine/state";
import { FakeHost } from "./support/fakeHost";
import { LIBVIRT } from "./support/lab";
import { inProcess, NO_CONFIG, recorded, stack, temporaryDirectory, type TestProgram } from "./support/stack";

const FAR = { libvirtUri: "qemu+ssh://far/system", address: "far", port: 22 } satisfies HostPlace;
const URIS = { near: "test:///default", far: FAR.libvirtUri };

let directory = "";
let hosts: Record<keyof typeof URIS, FakeHost>;
/** Whether the far host answers. */
let answers: boolean;
beforeEach(() => {
  directory = temporaryDirectory();
  hosts = { near: new FakeHost(), far: new FakeHost() };
  answers = true;
  return () => fs.rmSync(directory, { recursive: true });
});

interface Wanted {
  readonly names?: readonly string[];
  readonly size?: number;
  /** Hosts of which it registers what they have. */
  readonly on?: readonly (keyof typeof URIS)[];
}

/** A pool on each host, with volumes in it. */
function program({ names = ["a", "b"], size = 1, on = ["far", "near"] }: Wanted = {}): TestProgram {
  return async (declare, parent) => {
    for (const host of on) {
      const { urn, id } = await declare("pulumi:providers:libvirt", host, { uri: URIS[host] }, { parent });
      const options = { parent, provider: `${urn}::${id}` };
      const inputs = { name: "dev", type: "dir", target: { path: "/nowhere/dev" } };
      const pool = await declare(LIBVIRT.pool, `${host}-pool`, inputs, options);
      for (const name of names) {
        const part = await declare("test:index:Guest", `${host}-${name}`, {}, { parent, custom: false });
        const volume = { name, pool: "dev", capacity: size };
        await declare(LIBVIRT.volume, `${host}-${name}`, volume, {
          ...options,
          parent: part.urn,
          dependencies: [pool.urn],
        });
      }
    }
  };
}

function engine(which: TestProgram, absent: readonly HostPlace[] = []) {
  return stack(directory, {
    absent,
    program: inProcess(() => which),
    exec: (file, args, options) => {
      if (args[2] === URIS.near) return hosts.near.exec(file, args, options);
      if (!answers) throw new Error("the host that does not answer was asked");
      return hosts.far.exec(file, args, options);
    },
  });
}

async function up(which: TestProgram, absent?: readonly HostPlace[]) {
  const { engine: one, done, stateFile } = engine(which, absent);
  const { errors, ok } = await one.up(NO_CONFIG);
  return {
    errors,
    ok,
    done: done().filter((line) => !line.startsWith("delete-replaced")),
    state: recorded(stateFile),
  };
}

test("what is on a silent host stays, with what it needs, and the rest is changed", async () => {
  const before = await up(program());
  answers = false;
  const without = await up(program({ names: ["a"], size: 2, on: ["near"] }), [FAR]);
  expect([without.ok, without.done]).toEqual([true, ["replace near-a", "delete near-b", "delete near-b"]]);
  const far = ({ resources }: State) => resources.filter(({ urn }) => nameOf(urn).startsWith("far"));
  expect(far(without.state)).toHaveLength(6);
  expect(far(without.state)).toEqual(far(before.state));
});

test("when it is back, what has changed meanwhile is applied to it", async () => {
  await up(program());
  answers = false;
  await up(program({ names: ["a"], size: 2, on: ["near"] }), [FAR]);
  answers = true;
  const back = await up(program({ names: ["a"], size: 2 }));
  expect([back.ok, back.done]).toEqual([true, ["replace far-a", "delete far-b", "delete far-b"]]);
  expect(hosts.far.contents()).toEqual(["pool dev", "volume dev/a"]);
  expect((await up(program({ names: ["a"], size: 2 }))).done).toEqual([]);
});

test("a host that was forgotten is in the state no more, and nobody asks for it", async () => {
  await up(program());
  answers = false;
  const backend = new EmbeddedBackend("p", "dev", directory, "none");
  fs.renameSync(`${directory}/state/dev.json`, `${directory}/state.json`);
  // The provider, a pool and two volumes.
  expect(await backend.forget([FAR])).toBe(4);
  expect(await backend.forget([FAR])).toBe(0);
  fs.renameSync(`${directory}/state.json`, `${directory}/state/dev.json`);
  const { ok, done } = await up(program({ on: ["near"] }));
  expect([ok, done]).toEqual([true, ["delete far-a", "delete far-b"]]);
});
