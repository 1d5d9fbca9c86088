import { describe, expect, test } from "vitest";
import type { Goal } from "../../../engine/goal";
import { decide, fallsWith, type Circumstances } from "../../../engine/plan";
import { providerOf } from "../../../engine/providers";
import { updateOf, type ResourceState } from "../../../engine/state";
import { secret, UNKNOWN, type Properties } from "../../../lib/properties";

const FINE: Circumstances = { exists: true, replacedPeers: [] };

function plan(
  type: string,
  before: Properties,
  after: Properties,
  options: Partial<Goal> = {},
  at: Partial<Circumstances> = {},
  former: Partial<ResourceState> = {},
) {
  const goal = {
    type,
    inputs: after,
    provider: "",
    ignoreChanges: [],
    replaceOnChanges: [],
    replaceWith: [],
    ...options,
  } as unknown as Goal;
  const old = { type, inputs: before, provider: "", ...former } as unknown as ResourceState;
  return decide(old, goal, providerOf(type), { ...FINE, ...at });
}

const REMOTE = "command:remote:Command";
const DOMAIN = "libvirt:index/domain:Domain";
const VOLUME = "libvirt:index/volume:Volume";
const NETWORK = "libvirt:index/network:Network";
const POOL = "libvirt:index/pool:Pool";
const BYTES = "random:index/randomPassword:RandomPassword";

describe("what a change of inputs does", () => {
  test.each([
    ["nothing changed", REMOTE, { create: "a", triggers: [1] }, { create: "a", triggers: [1] }, "same", {}],
    [
      "null is absent, in an object too",
      REMOTE,
      { connection: { host: "a", port: null } },
      { connection: { host: "a" } },
      "same",
      {},
    ],
    ["null is absent", REMOTE, { create: "a", stdin: null }, { create: "a" }, "same", {}],
    ["secretness alone", REMOTE, { create: "a" }, { create: secret("a") }, "same", {}],
    ["a command", REMOTE, { create: "a" }, { create: "b" }, "update", { create: "update" }],
    [
      "a connection",
      REMOTE,
      { connection: { host: "a" } },
      { connection: { host: "b" } },
      "update",
      { connection: "update" },
    ],
    [
      "a trigger",
      REMOTE,
      { create: "a", triggers: ["x", "y"] },
      { create: "b", triggers: ["x", "z"] },
      "replace",
      { create: "update", triggers: "update-replace" },
    ],
    [
      "a trigger more",
      REMOTE,
      { triggers: ["x"] },
      { triggers: ["x", "y"] },
      "replace",
      { triggers: "update-replace" },
    ],
    [
      "memory",
      DOMAIN,
      { name: "a", memory: 256 },
      { name: "a", memory: 512 },
      "update",
      { memory: "update" },
    ],
    ["a domain's name", DOMAIN, { name: "a" }, { name: "b" }, "replace", { name: "update-replace" }],
    [
      "a domain's type",
      DOMAIN,
      { name: "a", type: "kvm" },
      { name: "a", type: "qemu" },
      "replace",
      { type: "update-replace" },
    ],
    [
      "a volume's capacity",
      VOLUME,
      { name: "a", capacity: 1 },
      { name: "a", capacity: 2 },
      "replace",
      { capacity: "update-replace" },
    ],
    [
      "a network's address",
      NETWORK,
      { name: "a", ips: [{ address: "x" }] },
      { name: "a", ips: [{ address: "y" }] },
      "replace",
      { ips: "update-replace" },
    ],
    [
      "a network's autostart",
      NETWORK,
      { autostart: true },
      { autostart: false },
      "update",
      { autostart: "update" },
    ],
    [
      "a pool's path",
      POOL,
      { name: "a", target: { path: "x" } },
      { name: "a", target: { path: "y" } },
      "replace",
      { target: "update-replace" },
    ],
    [
      "keepers",
      BYTES,
      { length: 1, keepers: { a: "x" } },
      { length: 1, keepers: { a: "y" } },
      "replace",
      { keepers: "update-replace" },
    ],
    ["an unknown", REMOTE, { stdin: "a" }, { stdin: UNKNOWN }, "update", { stdin: "update" }],
    ["an input less", REMOTE, { create: "a", stdin: "b" }, { create: "a" }, "update", { stdin: "delete" }],
  ] as const)("%s", (_, type, before, after, op, kinds) => {
    const { op: planned, detailedDiff } = plan(type, before as Properties, after as Properties);
    const diffKinds = Object.entries(detailedDiff).map(([path, { diffKind }]) => [path, diffKind]);
    expect([planned, Object.fromEntries(diffKinds)]).toEqual([op, kinds]);
  });

  test("a provider of another configuration replaces", () => {
    expect(plan(DOMAIN, { name: "a" }, { name: "a" }, { provider: "urn::2" })).toMatchObject({
      op: "replace",
      detailedDiff: { provider: { diffKind: "update-replace" } },
    });
  });
});

describe("resource options", () => {
  test.each([
    ["ignoreChanges", { ignoreChanges: ["memory"] }, "same"],
    ["ignoreChanges of everything", { ignoreChanges: ["*"] }, "same"],
    ["ignoreChanges elsewhere", { ignoreChanges: ["os"] }, "update"],
    ["replaceOnChanges", { replaceOnChanges: ["memory"] }, "replace"],
    ["replaceOnChanges of everything", { replaceOnChanges: ["*"] }, "replace"],
    ["replaceOnChanges elsewhere", { replaceOnChanges: ["os"] }, "update"],
  ])("%s", (_, options, op) => {
    expect(plan(DOMAIN, { memory: 1 }, { memory: 2 }, options).op).toBe(op);
  });

  test("an ignored change keeps the old value, and a value that is gone or new as well", () => {
    const before = { env: secret({ A: "1" }), gone: 1 };
    const after = { env: secret({ A: "2" }), new: 1, title: "a" };
    const ignoring = { ignoreChanges: ["env", "gone", "new"] };
    expect(plan(DOMAIN, before, after, ignoring).inputs).toEqual({ ...before, title: "a" });
  });

  test.each([
    ["the same physical name", {}, { name: "a" }, true],
    ["another physical name", {}, { name: "b" }, false],
    ["deleteBeforeReplace: false", { deleteBeforeReplace: false }, { name: "a" }, false],
    ["deleteBeforeReplace: true", { deleteBeforeReplace: true }, { name: "b" }, true],
  ])("delete first: %s", (_, options, after, deleteFirst) => {
    expect(plan(VOLUME, { name: "a", capacity: 1 }, { ...after, capacity: 2 }, options)).toMatchObject({
      deleteFirst,
    });
  });

  test.each([
    ["another value", "host", "host-far", "replace"],
    ["the same value", "host", "host", "same"],
    ["the first value", undefined, "host", "same"],
    ["none any more", "host", undefined, "same"],
  ])("replacementTrigger: %s", (_, before, after, op) => {
    const option = (value: string | undefined) => (value === undefined ? {} : { replacementTrigger: value });
    expect(plan(DOMAIN, {}, {}, option(after), {}, option(before)).op).toBe(op);
  });

  test("replaceWith", () => {
    expect(plan(DOMAIN, {}, {}, {}, { replacedPeers: ["urn:pulumi:dev::p::t::peer"] })).toMatchObject({
      op: "replace",
      reason: "replaced with peer",
    });
  });
});

describe("what was found amiss", () => {
  const resource = { urn: "urn:x", type: DOMAIN, provider: "" };
  const recreated = "its dependency disk was recreated";
  test.each([
    ["gone", { exists: false }, { op: "create", anew: true, reason: "was gone" }],
    [
      "an interrupted update",
      { pending: updateOf(resource) },
      { op: "update", anew: false, reason: "an earlier update was interrupted" },
    ],
    [
      "a disk made anew",
      { pending: updateOf(resource, recreated) },
      { op: "update", anew: true, reason: recreated },
    ],
  ] as const)("%s", (_, at, expected) => {
    expect(plan(DOMAIN, { name: "a" }, { name: "a" }, {}, at)).toMatchObject(expected);
  });

  test.each([
    ["gone", "create", "a", { exists: false }],
    ["replaced", "replace", "b", {}],
  ] as const)("what is %s is made with the program's inputs, ignored changes included", (_, op, name, at) => {
    const [before, after] = [
      { name: "a", create: "old" },
      { name, create: "new" },
    ];
    const ignoring = { ignoreChanges: ["create"] };
    expect(plan(VOLUME, before, after, ignoring, at)).toMatchObject({ op, inputs: after });
  });
});

test("a dependent falls with what it takes a replacing input from", () => {
  const command = {
    provider: "",
    propertyDependencies: { triggers: ["urn:a"], stdin: ["urn:b"] },
  } as unknown as ResourceState;
  expect(fallsWith(command, new Set(["urn:a"]), providerOf(REMOTE))).toBe(true);
  expect(fallsWith(command, new Set(["urn:b"]), providerOf(REMOTE))).toBe(false);
  const domain = { provider: "urn:p::id", propertyDependencies: {} } as unknown as ResourceState;
  expect(fallsWith(domain, new Set(["urn:p"]), providerOf(DOMAIN))).toBe(true);
});
