import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { recordApplied } from "../../../../cli/stack/applied";
import { audit, type AuditScope } from "../../../../cli/stack/audit";
import { StackContext } from "../../../../cli/stack/context";
import { down } from "../../../../cli/commands/down";
import { EmbeddedBackend } from "../../../../cli/backends/embedded/backend";
import { removeLogs, tapsOf, type HostDirectories } from "../../../../cli/stack/hostTraces";
import { Virsh } from "../../../../cli/stack/virsh";
import { acquireLock } from "../../../../lib/lock";
import { parseConfig } from "../../../../model/config/config";
import { bridgeFor } from "../../../../model/lab/naming";
import { GuestShell, keptDirectory } from "../../../../lib/ssh";
import { fakeHost, type FakeHost } from "../support/fakeVirsh";

const virsh = new Virsh("test:///default");
const OTHERS = " 3    lvs-dr-dev-2-rs1   running    lvs-dr dev-2: realServer rs1\n";
const NOBODY: Record<string, string> = {
  "list --all --title": OTHERS,
  "net-list --all --name": "default\n",
  "pool-list --all --name": "default\n",
  "pool-list --name": "default\n",
  "vol-list default": " a /a\n",
};
const LEFT: Record<string, string> = {
  ...NOBODY,
  "list --all --title": ` -    lvs-dr-dev-rs1     shut off   lvs-dr dev: realServer rs1\n${OTHERS}`,
  "net-list --all --name": "default\nlvs-dr-dev-client\n",
  "pool-list --all --name": "default\nlvs-dr-dev\n",
  "pool-list --name": "default\nlvs-dr-dev\n",
  "vol-list default":
    " lvs-dr-dev-rs1-abc.qcow2 /p/lvs-dr-dev-rs1-abc.qcow2\n lvs-dr-dev-2-rs1-abc.qcow2 /p/x\n",
  "vol-list lvs-dr-dev": " planted /p/planted\n",
};

let host: FakeHost;
let work: string;
let directories: HostDirectories;
const put = (file: string, text = ""): string => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "lvs-dr-down-"));
  directories = { images: join(work, "images"), logs: join(work, "logs"), dnsmasq: join(work, "dnsmasq") };
});
afterEach(() => {
  host.remove();
  rmSync(work, { recursive: true });
});

function scope(changes: Partial<AuditScope> = {}): AuditScope {
  return {
    ...{ project: "lvs-dr", stack: "dev", prefix: "lvs-dr-dev", domains: ["lvs-dr-dev-rs1"] },
    bridges: ["lvaaaac", "lvaaaas"],
    directory: join(work, "lab/dev"),
    connections: join(work, "kept"),
    taps: new Map([
      ["vnet3", 30],
      ["vnet4", 31],
    ]),
    remote: false,
    ...changes,
  };
}
const LINKS = [
  { ifindex: 7, ifname: "lvaaaas" },
  { ifindex: 8, ifname: "virbr0" },
  { ifindex: 9, ifname: "lvaaaac2" },
  // Of a guest that nobody knows any more, on a bridge of the stack's.
  { ifindex: 20, ifname: "vnet1", master: "lvaaaas" },
  { ifindex: 21, ifname: "vnet2", master: "virbr0" },
  { ifindex: 30, ifname: "vnet3", master: "virbr0" },
  // Another guest's by now.
  { ifindex: 99, ifname: "vnet4", master: "virbr0" },
];

describe("audit", () => {
  const plant = (): string[] => [
    put(join(directories.images, "lvs-dr-dev/rest")),
    put(join(directories.dnsmasq, "lvaaaas.macs")),
    put(join(directories.dnsmasq, "lvs-dr-dev-client.conf")),
    put(join(directories.dnsmasq, "lvs-dr-dev-2-client.conf")),
    put(join(work, "lab/dev/state.json")),
    put(join(work, "kept/key")),
  ];
  const objects = [
    "domain lvs-dr-dev-rs1 (shut off)",
    "network lvs-dr-dev-client",
    "pool lvs-dr-dev",
    "volume default/lvs-dr-dev-rs1-abc.qcow2",
    "volume lvs-dr-dev/planted",
  ];

  it("names each kind of thing that is left, and nothing of another stack", async () => {
    host = fakeHost(LEFT, LINKS);
    plant();
    expect(await audit([{ name: "", virsh }], scope(), directories)).toEqual([
      ...objects,
      "bridge lvaaaas",
      "tap vnet1",
      "tap vnet3",
      `file ${work}/images/lvs-dr-dev`,
      `file ${work}/dnsmasq/lvaaaas.macs`,
      `file ${work}/dnsmasq/lvs-dr-dev-client.conf`,
      `file ${work}/lab/dev`,
      `file ${work}/kept`,
    ]);
  });

  it("takes nothing of this host for that of guests on another one", async () => {
    host = fakeHost(LEFT, LINKS);
    plant();
    expect(await audit([{ name: "", virsh }], scope({ remote: true }), directories)).toEqual([
      ...objects,
      `file ${work}/lab/dev`,
      `file ${work}/kept`,
    ]);
  });

  it("says on which of several hosts it is", async () => {
    host = fakeHost(LEFT, LINKS);
    const hosts = ["near", "far"].map((name) => ({ name, virsh }));
    expect(await audit(hosts, scope({ remote: true }), directories)).toEqual([
      ...objects.map((each) => `${each} on near`),
      ...objects.map((each) => `${each} on far`),
    ]);
  });

  it("is empty when the stack is gone, whatever else is there", async () => {
    host = fakeHost(NOBODY, [{ ifindex: 8, ifname: "virbr0" }]);
    expect(await audit([{ name: "", virsh }], scope(), directories)).toEqual([]);
  });
});

describe("what libvirt leaves behind", () => {
  it("interfaces are known by name and index while guests run", async () => {
    const interfaces = " vnet3   network   lvs-dr-dev-client   virtio   52:54:00:00:00:01\n";
    host = fakeHost(
      { "domiflist a": `${interfaces}\n`, "domiflist b": " -  network  x  virtio  y\n" },
      LINKS,
    );
    expect(await tapsOf(virsh, ["a", "b", "gone"])).toEqual(new Map([["vnet3", 30]]));
    expect(await tapsOf(virsh, [])).toEqual(new Map());
  });

  it("logs go, rotated ones and those of guests long gone too, and no other stack's", () => {
    host = fakeHost({});
    const disk = (stack: string) =>
      `-blockdev {"filename":"/var/lib/libvirt/images/lvs-dr-${stack}/x.qcow2"}`;
    put(join(directories.logs, "lvs-dr-dev-rs1.log"));
    put(join(directories.logs, "lvs-dr-dev-rs1.log.0"));
    put(join(directories.logs, "lvs-dr-dev-rs9.log"), disk("dev"));
    put(join(directories.logs, "lvs-dr-dev-2-rs1.log"), disk("dev-2"));
    put(join(directories.logs, "windows.log"));
    mkdirSync(join(directories.logs, "lvs-dr-dev-rs2.log"));
    const known = { prefix: "lvs-dr-dev", domains: ["lvs-dr-dev-rs1", "lvs-dr-dev-rs2"] };
    expect(removeLogs(known, directories)).toEqual([
      expect.stringMatching(new RegExp(`^file ${work}/logs/lvs-dr-dev-rs2.log \\(`)),
    ]);
    expect(readdirSync(directories.logs).sort()).toEqual([
      "lvs-dr-dev-2-rs1.log",
      "lvs-dr-dev-rs2.log",
      "windows.log",
    ]);
    expect(removeLogs(known, { ...directories, logs: join(work, "none") })).toEqual([]);
  });
});

describe("down", () => {
  const home = process.cwd();
  const options = { stack: "dev", engine: "embedded" } as const;
  const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
  const said: string[] = [];
  beforeEach(() => {
    process.chdir(work);
    vi.stubEnv("XDG_RUNTIME_DIR", work);
    said.length = 0;
    vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
    vi.spyOn(EmbeddedBackend.prototype, "domains").mockResolvedValue(new Map());
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.chdir(home);
  });
  const applied = (): void =>
    recordApplied(".lab/dev", { ...lab, hosts: [{ ...lab.hosts[0], libvirtUri: "test:///default" }] });
  const destroy = (work: () => void = () => undefined) =>
    vi.spyOn(EmbeddedBackend.prototype, "destroy").mockImplementation(() => {
      work();
      return Promise.resolve({ delete: 3 });
    });
  const state = (left: boolean) => vi.spyOn(EmbeddedBackend.prototype, "exists").mockResolvedValue(left);

  it("ends in peace when nothing is left, kept connections neither", async () => {
    host = fakeHost(NOBODY);
    applied();
    put(join(keptDirectory(options), "key"));
    destroy();
    state(false);
    await down(options, directories);
    expect(said.join("")).toContain("audit: nothing is left");
    expect(existsSync(".lab/dev")).toBe(false);
    expect(existsSync(keptDirectory(options))).toBe(false);
  });

  it("holds its lock until it has looked", async () => {
    host = fakeHost(NOBODY);
    applied();
    destroy();
    state(false);
    const looked = vi.spyOn(Virsh.prototype, "volumes").mockImplementation(() => {
      expect(() => acquireLock(".lab/dev/stack")).toThrow("a `down`");
      return Promise.resolve([]);
    });
    await down(options, directories);
    expect(looked).toHaveBeenCalled();
    expect(existsSync(".lab/dev")).toBe(false);
  });

  it("leaves the guests running where another run holds the stack's lock", async () => {
    host = fakeHost({
      ...NOBODY,
      "list --all --title": " 1    lvs-dr-dev-rs1   running    lvs-dr dev: realServer rs1\n",
    });
    applied();
    vi.spyOn(EmbeddedBackend.prototype, "unlock").mockRejectedValue(new Error("locked"));
    await expect(down(options, directories)).rejects.toThrow(/^locked$/);
    expect(host.asked()).toEqual([]);
  });

  it("does without a record that was torn", () => {
    host = fakeHost(NOBODY);
    applied();
    expect(new StackContext(options).names().labKnown).toBe(true);
    writeFileSync(".lab/dev/lab.json", "");
    expect(new StackContext(options).names().labKnown).toBe(false);
  });

  it("fails naming all that is left", async () => {
    host = fakeHost({ ...LEFT, "list --all --title": "", "vol-list lvs-dr-dev": " planted /p/planted\n" }, [
      { ifindex: 7, ifname: bridgeFor("lvs-dr", "dev", "server") },
    ]);
    applied();
    destroy();
    state(false);
    const error = await down(options, directories).catch((reason: Error) => reason.message);
    for (const line of [
      "left of stack dev:",
      "network lvs-dr-dev-client",
      "pool lvs-dr-dev",
      "volume default/lvs-dr-dev-rs1-abc.qcow2",
      "volume lvs-dr-dev/planted",
      `bridge ${bridgeFor("lvs-dr", "dev", "server")}`,
    ])
      expect(error).toContain(line);
    expect(said.join("")).not.toContain("nothing is left");
  });

  it("is told what to do about a host that never returns, and then ends without it", async () => {
    host = fakeHost(NOBODY);
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
    const far = { name: "far", libvirtUri: "qemu+ssh://root@far/system", hostKey, underlay: "10.199.0.2" };
    const hosts = [{ underlay: "10.199.0.1" }, far];
    const several = parseConfig({ hosts, accelerator: "qemu" }, { project: "lvs-dr", stack: "dev" });
    const [first, second] = several.hosts;
    if (second === undefined) throw new Error("a lab of two hosts has two");
    recordApplied(".lab/dev", { ...several, hosts: [{ ...first, libvirtUri: "test:///default" }, second] });
    const destroyed = destroy();
    state(false);
    vi.spyOn(Virsh.prototype, "silence").mockResolvedValueOnce("no answer within 20 s");
    await expect(down(options, directories)).rejects.toThrow(
      "far does not answer: no answer within 20 s; if it never returns: scripts/lab down --forget-host far",
    );
    expect(destroyed).not.toHaveBeenCalled();
    const forgotten = vi.spyOn(EmbeddedBackend.prototype, "forget").mockResolvedValue(7);
    await down({ ...options, forgetHost: ["far"] }, directories);
    expect(forgotten).toHaveBeenCalledWith([{ libvirtUri: far.libvirtUri, address: "far", port: 22 }]);
    expect(said.join("")).toContain("audit: nothing is left");
  });

  it("is told what to do about a machine that never returns, and then asks it nothing", async () => {
    host = fakeHost(NOBODY);
    const ssh = { host: "10.0.0.20", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
    const mixed = parseConfig({ realServers: [{}, { ssh }] }, { project: "lvs-dr", stack: "dev" });
    recordApplied(".lab/dev", { ...mixed, hosts: [{ ...mixed.hosts[0], libvirtUri: "test:///default" }] });
    state(false);
    const asked = vi
      .spyOn(GuestShell.prototype, "run")
      .mockResolvedValue({ code: 255, stdout: "", stderr: "timed out" });
    vi.spyOn(EmbeddedBackend.prototype, "forget").mockResolvedValue(1);
    const failed = vi.spyOn(EmbeddedBackend.prototype, "destroy").mockRejectedValue(new Error("down failed"));
    await expect(down(options, directories)).rejects.toThrow(
      "if a machine never returns: scripts/lab down --forget-host ADDRESS, of 10.0.0.20 (rs2)",
    );
    failed.mockResolvedValue({ delete: 3 });
    await down({ ...options, forgetHost: ["10.0.0.20"] }, directories);
    // Whether it answers, and no more.
    expect(asked.mock.calls).toEqual([["10.0.0.20", "true"]]);
    expect(said.join("")).toContain("audit: nothing is left");
  });

  it("keeps a state that is not empty, and names it", async () => {
    host = fakeHost(NOBODY);
    applied();
    destroy();
    state(true);
    await expect(down(options, directories)).rejects.toThrow(
      "left of stack dev:\n  state of stack dev, kept by the embedded engine\n  file .lab/dev",
    );
    expect(existsSync(".lab/dev/lab.json")).toBe(true);
  });

  it("looks also when destroying has failed, and tells both", async () => {
    host = fakeHost({ ...LEFT, "list --all --title": "" });
    applied();
    destroy(() => {
      throw new Error("down failed (1 errors above)");
    });
    state(true);
    await expect(down(options, directories)).rejects.toThrow(
      /^down failed \(1 errors above\)\nleft of stack dev:\n {2}state of stack dev[^]*pool lvs-dr-dev\n[^]*file .lab\/dev$/,
    );
    expect(existsSync(".lab/dev/lab.json")).toBe(true);
  });

  it("touches nothing while a drill runs, and leaves no trace of having been refused", async () => {
    host = fakeHost(NOBODY);
    const destroyed = destroy();
    state(false);
    const context = new StackContext(options);
    await context.alone("a drill", async () => {
      await expect(down(options, directories)).rejects.toThrow(
        `a drill (process ${process.pid}) is working on this stack`,
      );
    });
    expect(destroyed).not.toHaveBeenCalled();
    expect(existsSync(".lab/dev")).toBe(false);
    applied();
    await down(options, directories);
    expect(destroyed).toHaveBeenCalledOnce();
  });

  it("tells when it could not look", async () => {
    host = fakeHost({ "list --all --title": "" });
    applied();
    destroy();
    state(false);
    await expect(down(options, directories)).rejects.toThrow(/^audit: virsh /);
  });
});
