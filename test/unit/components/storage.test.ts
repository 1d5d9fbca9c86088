import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lab, LabNetwork } from "../../../model/lab/types";
import { component, lab, NETWORK, POOL, resources, runWithLibvirt, VOLUME } from "./support/fixtures";

async function network(segment: LabNetwork) {
  return runWithLibvirt(async (opts) => {
    const { Network } = await import("../../../components/network");
    const { networkArgs } = await import("../../../components/lvsCluster");
    const made = new Network("segment", networkArgs(segment), opts);
    return { mtu: made.mtu, ...(made.resource && { resource: made.resource.name }) };
  });
}

describe("Network", () => {
  it("makes an isolated libvirt network on which the host has an address", async () => {
    const recording = await network(lab().segments.server);
    expect(resources(recording)).toEqual([
      {
        type: NETWORK,
        name: "segment",
        parent: "lvsdr:index:Network segment",
        inputs: {
          name: "lvs-dr-dev-server",
          bridge: { name: "lvcecce2fds", stp: "off", delay: "0" },
          dns: { enable: "no" },
          ips: [{ address: "192.168.7.1", prefix: 24 }],
          mtu: { size: 1500 },
          autostart: true,
        },
        options: {
          provider: "libvirt",
          deleteBeforeReplace: true,
          replaceOnChanges: ["bridge", "dns", "ips", "mtu"],
        },
      },
      component("lvsdr:index:Network", "segment"),
    ]);
    expect(recording.componentOutputs["lvsdr:index:Network segment"]).toEqual({
      source: { network: { network: "lvs-dr-dev-server" } },
    });
    expect(recording.outputs).toEqual({ mtu: 1500, resource: "lvs-dr-dev-server" });
  });

  it("makes nothing where guests attach to an existing bridge", async () => {
    const recording = await network(lab({ clientNetwork: { bridge: "br0", mtu: 9000 } }).segments.client);
    expect(resources(recording)).toEqual([component("lvsdr:index:Network", "segment")]);
    expect(recording.componentOutputs["lvsdr:index:Network segment"]).toEqual({
      source: { bridge: { bridge: "br0" } },
    });
    expect(recording.outputs).toEqual({ mtu: 9000 });
  });
});

async function pool(described: Lab) {
  return runWithLibvirt(async (opts) => {
    const { Pool } = await import("../../../components/pool");
    const { poolArgs } = await import("../../../components/lvsCluster");
    return { pool: new Pool("pool", poolArgs(described), opts).poolName };
  });
}

describe("Pool", () => {
  it("makes a directory of the stack's own, which goes with the stack and which others cannot list", async () => {
    const recording = await pool(lab());
    expect(resources(recording)).toEqual([
      {
        type: POOL,
        name: "pool",
        parent: "lvsdr:index:Pool pool",
        inputs: {
          name: "lvs-dr-dev",
          type: "dir",
          target: { path: "/var/lib/libvirt/images/lvs-dr-dev", permissions: { mode: "0711" } },
          create: { build: true, start: true, autostart: true },
          destroy: { delete: true },
        },
        options: {
          provider: "libvirt",
          deleteBeforeReplace: true,
          replaceOnChanges: ["name", "type", "target"],
        },
      },
      component("lvsdr:index:Pool", "pool"),
    ]);
    expect(recording.outputs).toEqual({ pool: "lvs-dr-dev" });
    expect(recording.componentOutputs["lvsdr:index:Pool pool"]).toEqual({ poolName: "lvs-dr-dev" });
  });

  it("leaves an existing pool as it is", async () => {
    const recording = await pool(lab({ pool: "default" }));
    expect(resources(recording)).toEqual([component("lvsdr:index:Pool", "pool")]);
    expect(recording.outputs).toEqual({ pool: "default" });
  });
});

async function image(described: Lab) {
  return runWithLibvirt(async (opts) => {
    const { GuestImage } = await import("../../../components/guestImage");
    const { imageArgs } = await import("../../../components/lvsCluster");
    return { source: new GuestImage("image", imageArgs(described, "the-pool"), opts).source };
  });
}

function upload(name: string, volume: string, url: string, format: string) {
  return {
    type: VOLUME,
    name,
    parent: "lvsdr:index:GuestImage image",
    inputs: {
      name: volume,
      pool: "the-pool",
      target: { format: { type: format } },
      create: { content: { url } },
    },
    options: { provider: "libvirt", ignoreChanges: ["create"], replaceOnChanges: ["name", "target"] },
  };
}

describe("GuestImage", () => {
  const REMOTE = { libvirtUri: "qemu+ssh://user@host:2222/system", accelerator: "kvm" };
  const GIB = 2 ** 30;
  const cmdline = readFileSync("scripts/image/recipe/cmdline", "utf8").trim();
  const own = execFileSync("bash", ["-c", ". scripts/image/lib.sh && image_directory"], {
    encoding: "utf8",
  }).trim();
  const digest = own.slice(-16, -4);
  let directory: string;
  let qcow2: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "lvs-dr-test-"));
    qcow2 = join(directory, "debian-12-genericcloud-amd64.qcow2");
    const header = Buffer.alloc(512);
    header.write("QFI\xfb", "latin1");
    header.writeUInt32BE(3, 4);
    header.writeBigUInt64BE(BigInt(2 * GIB), 24);
    writeFileSync(qcow2, header);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("uses the project's own image in place, with its kernel", async () => {
    const recording = await image(lab());
    expect(resources(recording)).toEqual([component("lvsdr:index:GuestImage", "image")]);
    expect(recording.outputs.source).toEqual({
      disk: `${own}/disk.qcow2`,
      capacity: 4 * GIB,
      digest,
      kernel: { vmlinuz: `${own}/vmlinuz`, initrd: `${own}/initrd.img`, cmdline },
    });
    expect(recording.componentOutputs["lvsdr:index:GuestImage image"]).toEqual({ digest });
  });

  it("uploads it where libvirt is on another host, once for each content", async () => {
    const recording = await image(lab(REMOTE));
    expect(resources(recording)).toEqual([
      upload("image-image", `lvs-dr-dev-image-${digest}`, `${own}/disk.qcow2`, "qcow2"),
      upload("image-initrd", `lvs-dr-dev-initrd-${digest}`, `${own}/initrd.img`, "raw"),
      upload("image-vmlinuz", `lvs-dr-dev-vmlinuz-${digest}`, `${own}/vmlinuz`, "raw"),
      component("lvsdr:index:GuestImage", "image"),
    ]);
    expect(recording.outputs.source).toEqual({
      disk: `/pools/the-pool/lvs-dr-dev-image-${digest}`,
      capacity: 4 * GIB,
      digest,
      kernel: {
        vmlinuz: `/pools/the-pool/lvs-dr-dev-vmlinuz-${digest}`,
        initrd: `/pools/the-pool/lvs-dr-dev-initrd-${digest}`,
        cmdline,
      },
    });
  });

  it("boots a user's own image from its disk, as large as the image says", async () => {
    const recording = await image(lab({ image: qcow2 }));
    expect(resources(recording)).toEqual([component("lvsdr:index:GuestImage", "image")]);
    expect(recording.outputs.source).toEqual({
      disk: qcow2,
      capacity: 2 * GIB,
      digest: expect.stringMatching(/^[0-9a-f]{12}$/),
    });
  });

  it("uploads a user's own image under a name that tells it from others", async () => {
    const imageSha256 = "0123456789abcdef".repeat(4);
    const recording = await image(lab({ ...REMOTE, image: qcow2, imageSha256 }));
    expect(resources(recording)).toEqual([
      upload("image-image", "lvs-dr-dev-image-0123456789ab", qcow2, "qcow2"),
      component("lvsdr:index:GuestImage", "image"),
    ]);
  });

  it("tells an image's contents apart, whatever their names", async () => {
    const digest = async (path: string) => {
      const { outputs } = await image(lab({ image: path }));
      return (outputs.source as { digest: string }).digest;
    };
    const other = join(directory, "debian-12-genericcloud-amd64-new.qcow2");
    writeFileSync(other, Buffer.concat([readFileSync(qcow2), Buffer.alloc(512)]));
    const before = await digest(qcow2);
    expect(await digest(qcow2)).toBe(before);
    expect(await digest(other)).not.toBe(before);
    utimesSync(qcow2, new Date(), new Date("2026-01-01"));
    expect(await digest(qcow2)).not.toBe(before);
  });

  it("refuses what is not a qcow2 image, and an image that isn't there, by name", async () => {
    const raw = join(directory, "disk.raw");
    writeFileSync(raw, Buffer.alloc(64));
    await expect(image(lab({ image: raw }))).rejects.toThrow(`image: ${raw} is not qcow2`);
    await expect(image(lab({ image: join(directory, "none.qcow2") }))).rejects.toThrow("none.qcow2");
  });
});
