import type * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { BootSource } from "../../../components/guestImage";
import { cloudInitSeed, imageSeed, seedLines } from "../../../model/guest/boot";
import { sha256 } from "../../../lib/text";
import { sshKeyPair } from "../../../model/guest/sshKey";
import type { Lab } from "../../../model/lab/types";
import {
  component,
  DOMAIN,
  lab,
  LOCAL,
  NETWORK,
  RANDOM,
  resources,
  runWithLibvirt,
  VOLUME,
} from "./support/fixtures";
import { find, randomText, UNKNOWN, type Registration, type RunOptions } from "./support/recorder";

const KEY = "ssh-ed25519 AAAATEST lvs-dr-dev";
const OWN: BootSource = {
  disk: "/images/disk.qcow2",
  capacity: 4096,
  digest: "abcdef",
  kernel: { vmlinuz: "/images/vmlinuz", initrd: "/images/initrd.img", cmdline: "root=/dev/vda" },
};
const CLOUD: BootSource = { disk: "/images/cloud.qcow2", capacity: 8192, digest: "fedcba" };

interface Build {
  readonly described?: Lab;
  readonly boot?: BootSource;
  readonly accelerator?: "kvm" | "qemu";
  readonly bootAfter?: boolean;
  readonly run?: RunOptions;
}

/** The router: the guest with two NICs and three addresses. */
async function build({ described = lab(), boot = OWN, accelerator = "kvm", bootAfter, run }: Build = {}) {
  return runWithLibvirt(async (opts) => {
    const { Network } = await import("../../../components/network");
    const { machineArgs, networkArgs } = await import("../../../components/lvsCluster");
    const { VirtualMachine } = await import("../../../components/virtualMachine");
    const { RandomPassword } = await import("@pulumi/random");
    const networks = {
      client: new Network("client-network", networkArgs(described.segments.client), opts),
      server: new Network("server-network", networkArgs(described.segments.server), opts),
    };
    const machine = new VirtualMachine(
      "router",
      {
        ...machineArgs(described, described.routers[0], networks),
        boot,
        pool: "the-pool",
        authorizedKey: KEY,
        accelerator,
        ...(bootAfter && { bootAfter: [new RandomPassword("earlier", { length: 1 }) as pulumi.Resource] }),
      },
      opts,
    );
    return { generation: machine.generation };
  }, run);
}

const hostKey = sshKeyPair(randomText("dev", "router-host-key"), "router");
const identity = { hostKey, authorizedKey: KEY };
const ownSeed = seedLines(imageSeed(identity));
const cloudSeed = seedLines(cloudInitSeed(lab().routers[0], identity));
const PARENT = "lvsdr:index:VirtualMachine router";

function seedResources(
  lines: string,
  format: string,
): { packed: Registration; volume: Registration; name: string } {
  const digest = sha256(lines).slice(0, 12);
  const file = `.lab/dev/seeds/router-${digest}.${format}`;
  const name = `lvs-dr-dev-router-seed-${digest}`;
  return {
    name,
    packed: {
      type: LOCAL,
      name: "router-seed",
      parent: PARENT,
      inputs: {
        create: `bash scripts/host/seed.sh ${format} ${file}`,
        delete: `bash scripts/host/seed.sh remove ${file}`,
        // Private keys: on stdin, and veiled in the state.
        stdin: { secret: lines },
        logging: "none",
        addPreviousOutputInEnv: false,
        triggers: [file],
      },
      options: { dependsOn: [`${RANDOM} router-host-key`], replaceOnChanges: ["triggers[*]"] },
    },
    volume: {
      type: VOLUME,
      name: "router-seed",
      parent: PARENT,
      inputs: {
        name,
        pool: "the-pool",
        target: { format: { type: "raw" } },
        create: { content: { url: `${process.cwd()}/${file}` } },
      },
      options: {
        dependsOn: [`${LOCAL} router-seed`, `${RANDOM} router-host-key`],
        provider: "libvirt",
        ignoreChanges: ["create"],
        replaceOnChanges: ["name", "target"],
        replacementTrigger: "host",
      },
    },
  };
}

function diskResource(boot: BootSource): Registration {
  return {
    type: VOLUME,
    name: "router-disk",
    parent: PARENT,
    inputs: {
      name: `lvs-dr-dev-router-${boot.digest}.qcow2`,
      pool: "the-pool",
      capacity: boot.capacity,
      target: { format: { type: "qcow2" } },
      backingStore: { path: boot.disk, format: { type: "qcow2" } },
    },
    options: {
      provider: "libvirt",
      replaceOnChanges: ["name", "capacity", "target", "backingStore"],
      replacementTrigger: "host",
    },
  };
}

const kernelBoot = (more = "") => ({
  kernel: "/images/vmlinuz",
  initrd: "/images/initrd.img",
  cmdline:
    `root=/dev/vda console=ttyS0 systemd.getty_auto=no panic=5 ${more}systemd.hostname=router` +
    " ip=172.18.7.200:::255.255.0.0:router:eth0:off" +
    " ip=192.168.7.200:::255.255.255.0:router:eth1:off" +
    " ip=10.0.0.200:::255.0.0.0:router:eth1:off",
});

const CONSOLE: Registration = {
  type: VOLUME,
  name: "router-console",
  parent: PARENT,
  inputs: {
    name: "lvs-dr-dev-router-console",
    pool: "the-pool",
    capacity: 4096,
    target: { format: { type: "raw" } },
  },
  options: {
    provider: "libvirt",
    ignoreChanges: ["capacity"],
    replaceOnChanges: ["name", "target"],
    replacementTrigger: "host",
  },
};

/** Waits for the guest's SSH, after each start of its domain. */
const bootResource = (environment: Record<string, string> = {}): Registration => ({
  type: LOCAL,
  name: "router-boot",
  parent: PARENT,
  inputs: {
    create:
      "bash scripts/host/boot.sh lvs-dr-dev-router 192.168.7.200 300 the-pool lvs-dr-dev-router-console",
    environment: {
      LVS_DR_LIBVIRT_URI: "qemu:///system",
      LVS_DR_STARTED: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
      ...environment,
    },
    logging: "stderr",
    addPreviousOutputInEnv: false,
  },
  options: {
    dependsOn: [
      `${DOMAIN} router`,
      `${NETWORK} client-network`,
      `${NETWORK} server-network`,
      `${VOLUME} router-console`,
      `${VOLUME} router-disk`,
      `${VOLUME} router-seed`,
    ],
    replaceOnChanges: ["triggers[*]"],
  },
});

function domainResource(disk: string, seed: string, rest: Record<string, unknown>): Registration {
  const volume = (name: string) => ({ volume: { pool: "the-pool", volume: name } });
  const nic = (mac: string, network: string) => ({
    model: { type: "virtio" },
    mac: { address: mac },
    mtu: { size: 1500 },
    rom: { enabled: "no" },
    source: { network: { network } },
  });
  return {
    type: DOMAIN,
    name: "router",
    parent: PARENT,
    inputs: {
      name: "lvs-dr-dev-router",
      title: "lvs-dr dev: router router",
      memory: 384,
      memoryUnit: "MiB",
      vcpu: 1,
      devices: {
        disks: [
          {
            device: "disk",
            driver: { name: "qemu", type: "qcow2", cache: "unsafe", discard: "unmap" },
            source: volume(disk),
            target: { dev: "vda", bus: "virtio" },
          },
          {
            device: "disk",
            driver: { name: "qemu", type: "raw" },
            readOnly: true,
            source: volume(seed),
            target: { dev: "vdb", bus: "virtio" },
          },
        ],
        interfaces: [
          nic("52:54:00:e9:a5:23", "lvs-dr-dev-client"),
          nic("52:54:00:ad:8a:87", "lvs-dr-dev-server"),
        ],
        rngs: [{ model: "virtio", backend: { random: "/dev/urandom" } }],
        serials: [{ source: { file: { path: "/pools/the-pool/lvs-dr-dev-router-console", append: "off" } } }],
      },
      running: true,
      ...rest,
    },
    options: {
      dependsOn: [
        `${NETWORK} client-network`,
        `${NETWORK} server-network`,
        `${VOLUME} router-console`,
        `${VOLUME} router-disk`,
        `${VOLUME} router-seed`,
      ],
      provider: "libvirt",
      deleteBeforeReplace: true,
      replaceOnChanges: ["name"],
      replacementTrigger: "host",
      replaceWith: [`${NETWORK} client-network`, `${NETWORK} server-network`],
    },
  };
}

const KVM = { type: "kvm", cpu: { mode: "host-passthrough" }, features: { acpi: true } };
const TCG = {
  type: "qemu",
  cpu: { mode: "custom", model: "qemu64" },
  features: { acpi: true, tcg: { tbCache: 128, tbCacheUnit: "MiB" } },
};
const OS = { type: "hvm", typeArch: "x86_64", typeMachine: "pc" };
const HOST_KEY: Registration = {
  type: RANDOM,
  name: "router-host-key",
  parent: PARENT,
  inputs: { length: 64, special: false },
  options: { additionalSecretOutputs: ["bcryptHash", "result"] },
};

describe("VirtualMachine", () => {
  it("boots the project's own image by its kernel, with its identity on a tar seed", async () => {
    const recording = await build();
    const seed = seedResources(ownSeed, "tar");
    expect(
      resources(recording).filter(({ type }) => ![NETWORK, "lvsdr:index:Network"].includes(type)),
    ).toEqual([
      bootResource(),
      seed.packed,
      domainResource("lvs-dr-dev-router-abcdef.qcow2", seed.name, { ...KVM, os: { ...OS, ...kernelBoot() } }),
      CONSOLE,
      diskResource(OWN),
      seed.volume,
      component("lvsdr:index:VirtualMachine", "router"),
      HOST_KEY,
    ]);
    expect(recording.componentOutputs[PARENT]).toEqual({ hostKey: hostKey.publicKey });
    expect(recording.outputs.generation).toEqual(["router-uuid", "router-disk-id", seed.name]);
  });

  it("boots a cloud image from its disk, with its identity on an ISO that cloud-init reads", async () => {
    const recording = await build({ boot: CLOUD });
    const seed = seedResources(cloudSeed, "iso");
    expect(find(recording, LOCAL, "router-seed")).toEqual(seed.packed);
    expect(find(recording, VOLUME, "router-seed")).toEqual(seed.volume);
    expect(find(recording, VOLUME, "router-disk")).toEqual(diskResource(CLOUD));
    expect(find(recording, DOMAIN, "router")).toEqual(
      domainResource("lvs-dr-dev-router-fedcba.qcow2", seed.name, {
        ...KVM,
        os: { ...OS, bootDevices: [{ dev: "hd" }] },
      }),
    );
  });

  it("asks less of a host without KVM, and waits for its turn", async () => {
    const recording = await build({ accelerator: "qemu", bootAfter: true });
    const seed = seedResources(ownSeed, "tar");
    const expected = domainResource("lvs-dr-dev-router-abcdef.qcow2", seed.name, {
      ...TCG,
      os: { ...OS, ...kernelBoot("clocksource=hpet no_timer_check ") },
    });
    const { dependsOn = [], ...options } = expected.options;
    expect(find(recording, DOMAIN, "router")).toEqual({
      ...expected,
      options: { ...options, dependsOn: [...dependsOn, `${RANDOM} earlier`].sort() },
    });
  });

  it("is waited for from the libvirt host where that is another one", async () => {
    const libvirtUri = "qemu+ssh://user@far:2222/system?keyfile=/the/key";
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
    const config = { libvirtUri, accelerator: "kvm", remoteHostKey: hostKey };
    expect(find(await build({ described: lab(config) }), LOCAL, "router-boot")).toEqual(
      bootResource({
        LVS_DR_LIBVIRT_URI: libvirtUri,
        LVS_DR_PROXY: "user@far",
        LVS_DR_PROXY_PORT: "2222",
        LVS_DR_PROXY_KEY: "/the/key",
        LVS_DR_PROXY_HOST_KEY: hostKey,
      }),
    );
  });

  it("is replaced only with networks of the stack's own", async () => {
    const recording = await build({ described: lab({ clientNetwork: { bridge: "br0" } }) });
    const { inputs, options } = find(recording, DOMAIN, "router");
    expect(options.replaceWith).toEqual([`${NETWORK} server-network`]);
    expect(inputs.devices).toMatchObject({
      interfaces: [
        { source: { bridge: { bridge: "br0" } } },
        { source: { network: { network: "lvs-dr-dev-server" } } },
      ],
    });
  });

  it("takes memory, vCPUs, MTU and MAC from the configuration", async () => {
    const described = lab({
      router: { memory: 1024, vcpus: 4, clientMac: "52:54:00:00:00:01" },
      clientNetwork: { mtu: 1400 },
    });
    const { inputs } = find(await build({ described }), DOMAIN, "router");
    expect(inputs).toMatchObject({ memory: 1024, vcpu: 4 });
    expect(inputs.devices).toMatchObject({
      interfaces: [{ mac: { address: "52:54:00:00:00:01" }, mtu: { size: 1400 } }, { mtu: { size: 1500 } }],
    });
  });

  it("knows neither keys nor what is named after them in a preview of a new guest", async () => {
    const recording = await build({ run: { preview: true } });
    expect(find(recording, LOCAL, "router-seed").inputs).toMatchObject({
      create: UNKNOWN,
      delete: UNKNOWN,
      triggers: [UNKNOWN],
    });
    expect(find(recording, VOLUME, "router-seed").inputs).toMatchObject({ name: UNKNOWN });
    expect(find(recording, VOLUME, "router-disk")).toEqual(diskResource(OWN));
    expect(recording.outputs.generation).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
  });
});
