import { afterEach, beforeEach, expect, it } from "vitest";
import { ownDomains } from "../../../../cli/stack/ownership";
import { Virsh } from "../../../../cli/stack/virsh";
import { fakeHost, type FakeHost } from "../support/fakeVirsh";

const STACK = { project: "lvs-dr", stack: "dev", prefix: "lvs-dr-dev", domains: [] };
const HOST = {
  "list --all --title":
    " 1    lvs-dr-dev-router    running    lvs-dr dev: router router\n" +
    " 2    lvs-dr-dev-rs1       paused     lvs-dr dev: realServer rs1\n",
  "list --all --uuid --name": "1 lvs-dr-dev-router\n2 lvs-dr-dev-rs1\n",
};

let host: FakeHost;
let said: string[];
beforeEach(() => {
  host = fakeHost(HOST);
  said = [];
});
afterEach(() => host.remove());

const own = (known: [string, string | undefined][]): Promise<Map<string, string>> =>
  ownDomains(
    new Virsh("test:///default"),
    STACK,
    { domains: () => Promise.resolve(new Map(known)) },
    (line) => said.push(line),
  );

it("are those of the state, by UUID where that is known", async () => {
  const known = await own([
    ["lvs-dr-dev-router", "1"],
    ["lvs-dr-dev-rs1", undefined],
  ]);
  expect([...known]).toEqual([
    ["lvs-dr-dev-router", "running"],
    ["lvs-dr-dev-rs1", "paused"],
  ]);
  expect(said).toEqual([]);
});

it("are not those that another checkout made under the same names", async () => {
  const known = await own([
    ["lvs-dr-dev-router", "1"],
    ["lvs-dr-dev-rs1", "another"],
  ]);
  expect([...known.keys()]).toEqual(["lvs-dr-dev-router"]);
  expect(said).toEqual(["domain lvs-dr-dev-rs1 is in no state of this checkout: left alone"]);
});

it("are refused, all of them, by a checkout without any state of them", async () => {
  await expect(own([])).rejects.toThrow(
    "this host has a stack dev that is not this checkout's: lvs-dr-dev-router, lvs-dr-dev-rs1. Run its `down` where it was built",
  );
});

it("are none where none is, and no state is asked for", async () => {
  host.remove();
  host = fakeHost({ "list --all --title": "\n" });
  const domains = (): never => {
    throw new Error("asked");
  };
  expect((await ownDomains(new Virsh("test:///default"), STACK, { domains }, () => undefined)).size).toBe(0);
});
