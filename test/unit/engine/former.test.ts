/**
 * former/ has the state, with its key, that the engine of commit 2152b0b left when it was killed: a volume that was deleted by
 * hand has been made again, and the guest on it is yet to be started anew.
 */
import * as fs from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { commandProvider } from "../../../engine/providers/command";
import { secret } from "../../../lib/properties";
import { FakeHost } from "./support/fakeHost";
import { lab, LIBVIRT } from "./support/lab";
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
beforeEach(() => {
  directory = temporaryDirectory();
  fs.cpSync(`${__dirname}/former`, `${directory}/state`, { recursive: true });
  return () => fs.rmSync(directory, { recursive: true });
});

/** The host as it was left. */
function formerHost(): FakeHost {
  const host = new FakeHost();
  const id = (type: string): string =>
    recorded(`${directory}/state/dev.json`).resources.find((resource) => resource.type === type)?.id ?? "";
  host.pools.set("dev", {
    uuid: id(LIBVIRT.pool),
    active: true,
    volumes: new Map([["dev-a.qcow2", "new"]]),
  });
  host.networks.set("dev-net", { uuid: id(LIBVIRT.network), active: true, starts: 1 });
  host.domains.set("dev-a", { uuid: id(LIBVIRT.domain), state: "running", xml: "" });
  return host;
}

const program: TestProgram = async (declare, parent, ...rest) => {
  const outputs = await lab({ guests: ["a"] })(declare, parent, ...rest);
  const inputs = { create: "true", stdin: secret("canary-2152") };
  await declare("command:test:Command", "hidden", inputs, { parent });
  return { ...outputs, key: secret("canary-output") };
};

test("the state of an older version is taken over where it was left", async () => {
  expect(outputsIn(recorded(`${directory}/state/dev.json`))).toEqual({
    guests: { a: "done" },
    key: secret("canary-output"),
  });
  const host = formerHost();
  const ran: string[] = [];
  const commands = commandProvider((_, __, ___, { name }) => {
    ran.push(name);
    return Promise.resolve({ stdout: "done", stderr: "" });
  });
  const engine = (): Stack =>
    stack(directory, {
      exec: host.exec,
      program: inProcess(() => program),
      providers: (type) => (type === "command:test:Command" ? commands : undefined),
    });
  const first = engine();
  expect(await first.engine.up(NO_CONFIG)).toMatchObject({ ok: true });
  expect(first.done()).toEqual(["update a", "update a-configure"]);
  expect(ran).toEqual(["a-configure"]);
  expect(recorded(first.stateFile).intents).toEqual([]);
  const second = engine();
  await second.engine.up(NO_CONFIG);
  expect(second.done()).toEqual([]);
});
