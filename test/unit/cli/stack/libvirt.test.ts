import { afterEach, describe, expect, it } from "vitest";
import { repairGuests, repairLibvirt } from "../../../../cli/stack/repair";
import { Virsh } from "../../../../cli/stack/virsh";
import { parseConfig } from "../../../../model/config/config";
import { readScript } from "../../../../lib/scripts";
import { guestPayload } from "../../../../model/guest/payload";
import { INSTALL_AND_START } from "../../../../model/guest/script";
import type { ShellResult } from "../../../../lib/ssh";
import { fakeHost, type FakeHost } from "../support/fakeVirsh";

const STACK = {
  project: "lvs-dr",
  stack: "dev",
  prefix: "lvs-dr-dev",
  domains: ["lvs-dr-dev-router", "lvs-dr-dev-rs1"],
};
const virsh = new Virsh("test:///default");

/** The stack's guests, another stack's, one that only looks like the stack's, and some person's. */
const titles = (rs1: string): string => ` 1    lvs-dr-dev-router    running    lvs-dr dev: router router
 -    lvs-dr-dev-rs1       ${rs1}   lvs-dr dev: realServer rs1
 3    lvs-dr-dev-2-rs1     running    lvs-dr dev-2: realServer rs1
 4    lvs-dr-dev-mine      running
 5    lvs-dr-dev-notes     running    my lvs-dr dev: notes
 6    windows              running    lvs-dr dev: of another name
`;

/** Two stacks, of which one is named like the beginning of the other, and what is none of ours. */
const HOST: Record<string, string> = {
  "list --all --title": titles("shut off"),
  "net-list --all --name": "default\nlvs-dr-dev-client\nlvs-dr-dev-server\nlvs-dr-dev-2-client\n",
  "net-list --inactive --name": "lvs-dr-dev-server\nlvs-dr-dev-2-client\n",
  "pool-list --all --name": "default\nlvs-dr-dev\nlvs-dr-dev-2\n",
  "pool-list --inactive --name": "",
  "pool-list --name": "default\nlvs-dr-dev\n",
  "vol-list default":
    " lvs-dr-dev-rs1-abc.qcow2   /pool/lvs-dr-dev-rs1-abc.qcow2\n lvs-dr-dev-2-rs1-abc.qcow2 /pool/x\n",
  "vol-list lvs-dr-dev": " anything   /var/lib/libvirt/images/lvs-dr-dev/anything\n",
};

let host: FakeHost;
afterEach(() => host.remove());

describe("Virsh", () => {
  const rest = Object.fromEntries(Object.entries(HOST).filter(([asked]) => asked !== "vol-list default"));

  it.each([
    "error: failed to get pool 'default'",
    "error: Failed to list volumes\nerror: Storage pool not found: no storage pool with matching uuid '1' (default)",
    "error: Failed to list volumes\nerror: Requested operation is not valid: storage pool 'default' is not active",
  ])("does not stumble over a pool that others remove while it looks: %s", async (failure) => {
    host = fakeHost(rest, [], failure);
    expect(await virsh.volumes(STACK)).toEqual(["lvs-dr-dev/anything"]);
  });

  it("fails where libvirt cannot be asked", async () => {
    host = fakeHost(rest, [], "error: Cannot recv data: Connection reset by peer");
    await expect(virsh.volumes(STACK)).rejects.toThrow("Connection reset");
  });

  it.each([
    ["error: Domain not found: no domain with matching uuid '1' (other)", 2],
    ["error: Cannot recv data: Connection reset by peer", 1],
  ])("lists domains again where one goes meanwhile: %s", async (failure, times) => {
    host = fakeHost({}, [], failure);
    await expect(virsh.domains(STACK)).rejects.toThrow("virsh list --all --title: ");
    expect(host.asked()).toHaveLength(times);
  });

  it("finds what belongs to the stack, and nothing of another one", async () => {
    host = fakeHost(HOST);
    expect([...(await virsh.domains(STACK))]).toEqual([
      ["lvs-dr-dev-router", "running"],
      ["lvs-dr-dev-rs1", "shut off"],
    ]);
    expect(await virsh.networks(STACK)).toEqual(["lvs-dr-dev-client", "lvs-dr-dev-server"]);
    expect(await virsh.networks(STACK, "--inactive")).toEqual(["lvs-dr-dev-server"]);
    expect(await virsh.pools(STACK)).toEqual(["lvs-dr-dev"]);
    expect(await virsh.pools(STACK, "--inactive")).toEqual([]);
    expect(await virsh.volumes(STACK)).toEqual(["default/lvs-dr-dev-rs1-abc.qcow2", "lvs-dr-dev/anything"]);
  });

  it("deletes the older parts of consoles, which lie beside their guests' disks", async () => {
    const list = (...names: string[]): string => names.map((name) => ` ${name}   /pool/${name}\n`).join("");
    host = fakeHost({
      "pool-list --name": "default\nother\n",
      "pool-refresh default": "",
      "vol-list default": list(
        "lvs-dr-dev-rs1-console",
        "lvs-dr-dev-rs1-console.0",
        "lvs-dr-dev-rs1-console.1",
        "lvs-dr-dev-2-rs1-console.0",
      ),
      "vol-list other": list("windows-console.0"),
      "vol-delete --pool default lvs-dr-dev-rs1-console.0": "",
      "vol-delete --pool default lvs-dr-dev-rs1-console.1": "",
    });
    await virsh.deleteOldConsoles(STACK);
    expect(host.asked().filter((args) => /refresh|delete/.test(args))).toEqual([
      "pool-refresh default",
      "vol-delete --pool default lvs-dr-dev-rs1-console.0",
      "vol-delete --pool default lvs-dr-dev-rs1-console.1",
    ]);
  });

  it.each([
    "error: Failed to refresh pool default\nerror: Storage pool not found: no storage pool with matching uuid '1' (default)",
    "error: failed to get vol 'x'\nerror: Storage volume not found: no storage vol with matching path 'x'",
  ])("deletes the other consoles where a pool or a file goes meanwhile: %s", async (failure) => {
    host = fakeHost(
      {
        "pool-list --name": "default\nlvs-dr-dev\n",
        "vol-list default": " lvs-dr-dev-rs1-console.0   /pool/lvs-dr-dev-rs1-console.0\n",
        "pool-refresh lvs-dr-dev": "",
        "vol-list lvs-dr-dev": " lvs-dr-dev-rs1-console.0   /own/lvs-dr-dev-rs1-console.0\n",
        "vol-delete --pool lvs-dr-dev lvs-dr-dev-rs1-console.0": "",
      },
      [],
      failure,
    );
    await virsh.deleteOldConsoles(STACK);
    expect(host.asked()).toContain("vol-delete --pool lvs-dr-dev lvs-dr-dev-rs1-console.0");
  });

  it("finds nothing where nothing is", async () => {
    host = fakeHost({ "list --all --title": "\n", "pool-list --name": "\n" });
    expect((await virsh.domains(STACK)).size).toBe(0);
    expect(await virsh.volumes(STACK)).toEqual([]);
  });

  it("fails in virsh's own words", async () => {
    host = fakeHost({});
    await expect(virsh.run("start", "x")).rejects.toThrow("virsh start x: no answer to: start x");
  });
});

describe("repairLibvirt", () => {
  const repair = async (answers: Record<string, string>): Promise<string[]> => {
    const said: string[] = [];
    host = fakeHost({ ...HOST, ...answers });
    await repairLibvirt(virsh, STACK, await virsh.domains(STACK), (line) => said.push(line));
    return said;
  };
  const changes = () =>
    host.asked().filter((each) => !/^(list|net-list|pool-list|domiflist|domstate)/.test(each));

  it("starts what was stopped: pools, then networks, then domains", async () => {
    const said = await repair({
      "pool-list --inactive --name": "lvs-dr-dev\n",
      "pool-start lvs-dr-dev --build": "",
      "domiflist lvs-dr-dev-router": "",
      "net-start lvs-dr-dev-server": "",
      "start lvs-dr-dev-rs1": "",
    });
    expect(said).toEqual([
      "pool lvs-dr-dev was inactive: starting it",
      "network lvs-dr-dev-server was inactive: starting it",
      "domain lvs-dr-dev-rs1 was shut off: starting it",
    ]);
    expect(changes()).toEqual([
      "pool-start lvs-dr-dev --build",
      "net-start lvs-dr-dev-server",
      "start lvs-dr-dev-rs1",
    ]);
  });

  it.each([
    ["paused", "resuming", "resume"],
    ["pmsuspended", "resuming", "dompmwakeup"],
    ["crashed", "starting", "start"],
  ])("repairs a domain that is %s by %s it", async (state, verb, subcommand) => {
    const said = await repair({
      "net-list --inactive --name": "",
      "list --all --title": titles(state),
      [`${subcommand} lvs-dr-dev-rs1`]: "",
    });
    expect(said).toEqual([`domain lvs-dr-dev-rs1 was ${state}: ${verb} it`]);
    expect(changes()).toEqual([`${subcommand} lvs-dr-dev-rs1`]);
  });

  it("restarts the running guests that a stopped network had cut off", async () => {
    const said = await repair({
      "list --all --title": titles("running"),
      "net-start lvs-dr-dev-server": "",
      "domiflist lvs-dr-dev-router": " vnet0  network  lvs-dr-dev-client  virtio  52:54:00:00:00:01\n",
      "domiflist lvs-dr-dev-rs1":
        " vnet1  bridge   lvs-dr-dev-server  virtio  52:54:00:00:00:02\n" +
        " vnet2  network  lvs-dr-dev-server  virtio  52:54:00:00:00:03\n",
      "shutdown lvs-dr-dev-rs1": "",
      "domstate lvs-dr-dev-rs1": "shut off\n",
      "start lvs-dr-dev-rs1": "",
    });
    expect(said).toEqual([
      "network lvs-dr-dev-server was inactive: starting it",
      "domain lvs-dr-dev-rs1 was cut off from network lvs-dr-dev-server: restarting it",
    ]);
    expect(changes()).toEqual([
      "net-start lvs-dr-dev-server",
      "shutdown lvs-dr-dev-rs1",
      "start lvs-dr-dev-rs1",
    ]);
  });

  it("leaves a domain that cannot start to the engine, and says why", async () => {
    const said = await repair({ "net-list --inactive --name": "" });
    expect(said).toEqual([
      "domain lvs-dr-dev-rs1 was shut off: starting it",
      "virsh start lvs-dr-dev-rs1: no answer to: start lvs-dr-dev-rs1",
    ]);
  });

  it("touches nothing that runs", async () => {
    const said = await repair({ "net-list --inactive --name": "", "list --all --title": titles("running") });
    expect(said).toEqual([]);
    expect(changes()).toEqual([]);
  });
});

describe("repairGuests", () => {
  const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });

  it("runs the script again where its status complains, and only there", async () => {
    host = fakeHost({});
    const said: string[] = [];
    const started: string[] = [];
    const status: Record<string, Partial<ShellResult>> = {
      rs1: { code: 1, stdout: "role=realServer\nproblem=10.0.0.100 is not on lo\nproblem=arp_ignore is 0\n" },
      rs2: { code: 1, stdout: "problem=no nginx\n" },
      director: { code: 255, stderr: "No route to host" },
      client: { code: 126, stderr: "bash: /usr/local/sbin/lvs-dr: Permission denied" },
      router: { code: 127, stderr: "bash: /usr/local/sbin/lvs-dr: No such file or directory" },
    };
    const installed: [string, string | undefined][] = [];
    await repairGuests(
      {
        run: (node, text, options) => {
          if (text.endsWith(" start")) started.push(node);
          if (text === INSTALL_AND_START) installed.push([node, options?.stdin]);
          const answer = text.endsWith(" status")
            ? status[node]
            : node === "rs2" && { code: 1, stderr: "a\nno such unit" };
          return Promise.resolve({ code: 0, stdout: "", stderr: "", ...answer });
        },
      },
      lab,
      (line) => said.push(line),
    );
    expect(started.sort()).toEqual(["rs1", "rs2"]);
    expect(new Map(installed)).toEqual(
      new Map(
        [lab.routers[0], lab.clients[0]].map((node) => [node.name, guestPayload(lab, node, readScript)]),
      ),
    );
    expect(said.sort()).toEqual([
      "client: /usr/local/sbin/lvs-dr is missing: installing it again",
      "router: /usr/local/sbin/lvs-dr is missing: installing it again",
      "rs1: 10.0.0.100 is not on lo: repairing it",
      "rs1: arp_ignore is 0: repairing it",
      "rs2: could not be repaired: no such unit",
      "rs2: no nginx: repairing it",
    ]);
  });
});
