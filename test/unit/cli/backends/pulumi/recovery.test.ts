import { afterEach, expect, it } from "vitest";
import { discard } from "../../../../../cli/backends/pulumi/recovery";
import { Virsh } from "../../../../../cli/stack/virsh";
import { fakeHost, type FakeHost } from "../../support/fakeVirsh";

const OWNER = { project: "lvs-dr", stack: "dev", prefix: "lvs-dr-dev" };
let host: FakeHost;
afterEach(() => host.remove());

async function changes(
  type: string,
  inputs: object | undefined,
  answers: Record<string, string>,
): Promise<string[]> {
  host = fakeHost(answers);
  await discard(new Virsh("test:///default"), OWNER, { type, urn: "", ...(inputs && { inputs }) });
  return host.asked().filter((line) => !/^(desc|net-info|pool-dumpxml|vol-list)/.test(line));
}

const DOMAIN = "libvirt:index/domain:Domain";
const NETWORK = "libvirt:index/network:Network";
const VOLUME = "libvirt:index/volume:Volume";
const POOL = "libvirt:index/pool:Pool";
const BRIDGE = { name: "net", bridge: { name: "lv1234s" } };
const PATH = { name: "lvs-dr-dev", target: { path: "/pools/dev" } };
const xml = (path: string): string => `<pool>\n<target>\n<path>${path}</path>\n</target>\n</pool>\n`;

it.each([
  [
    DOMAIN,
    { name: "d" },
    { "desc d --title": "lvs-dr dev: router r\n" },
    ["destroy d", expect.stringMatching(/^undefine d /)],
  ],
  [
    NETWORK,
    BRIDGE,
    { "net-info net": "Name: net\nBridge:         lv1234s\n" },
    ["net-destroy net", "net-undefine net"],
  ],
  [VOLUME, { name: "v", pool: "lvs-dr-dev" }, {}, ["vol-delete v --pool lvs-dr-dev"]],
  [VOLUME, { name: "lvs-dr-dev-a-disk", pool: "big" }, {}, ["vol-delete lvs-dr-dev-a-disk --pool big"]],
  [
    POOL,
    PATH,
    { "pool-dumpxml lvs-dr-dev": xml("/pools/dev"), "vol-list lvs-dr-dev": "\n" },
    // Its directory goes, too.
    ["pool-destroy lvs-dr-dev", "pool-delete lvs-dr-dev", "pool-undefine lvs-dr-dev"],
  ],
])("removes a half-made %s of the stack: %j", async (type, inputs, answers, expected) => {
  expect(await changes(type, inputs, answers as Record<string, string>)).toEqual(expected);
});

it.each([
  [DOMAIN, { name: "d" }, { "desc d --title": "lvs-dr dev-2: router r\n" }],
  [DOMAIN, { name: "d" }, {}],
  [NETWORK, BRIDGE, { "net-info net": "Name: net\nBridge:         virbr0\n" }],
  [NETWORK, { name: "net" }, { "net-info net": "Name: net\n" }],
  [VOLUME, { name: "disk", pool: "big" }, {}],
  [POOL, PATH, { "pool-dumpxml lvs-dr-dev": xml("/pools/other") }],
  [
    POOL,
    PATH,
    { "pool-dumpxml lvs-dr-dev": xml("/pools/dev"), "vol-list lvs-dr-dev": " disk /pools/dev/disk\n" },
  ],
  ["command:remote:Command", { name: "x" }, {}],
  [DOMAIN, undefined, {}],
])("leaves alone what is not the stack's or cannot be half-made: %s %j %j", async (type, inputs, answers) => {
  expect(await changes(type, inputs, answers as Record<string, string>)).toEqual([]);
});
