import { resolve } from "node:path";
import { local } from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { cloudInitSeed, imageSeed, kernelCmdline, seedLines } from "../model/guest/boot";
import { sha256 } from "../lib/text";
import { KEY_SECRET, sshKeyPair } from "../model/guest/sshKey";
import type { Lab, LabNode, NetworkName } from "../model/lab/types";
import type { BootSource } from "./guestImage";
import type { Network } from "./network";

/** Bytes of a console before its guest's first start, which makes it empty; libvirt would take none for unknown. */
const CONSOLE_BYTES = 4096;

export interface VirtualMachineArgs {
  readonly lab: Lab;
  /** Which of the lab's guests this is. */
  readonly node: LabNode;
  readonly boot: BootSource;
  readonly pool: pulumi.Input<string>;
  readonly networks: Readonly<Record<NetworkName, Network>>;
  /** The public key that may log in as root. */
  readonly authorizedKey: pulumi.Input<string>;
  /** `kvm` or `qemu` (TCG). */
  readonly accelerator: "kvm" | "qemu";
  /** Something that must be done before this guest starts, for instance another guest's boot. */
  readonly bootAfter?: pulumi.Resource | undefined;
}

/** One guest: its SSH host key, seed disk, overlay disk, console and domain, until it answers SSH. */
export class VirtualMachine extends pulumi.ComponentResource {
  /** The SSH host key that connections pin, as in known_hosts without the name. */
  public readonly hostKey: pulumi.Output<string>;
  public readonly domain: libvirt.Domain;
  /** Done when it answers SSH. */
  public readonly booted: local.Command;
  /** Changes whenever the guest loses its disk, and so what was configured in it. */
  public readonly generation: pulumi.Output<string>[];

  constructor(name: string, args: VirtualMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:VirtualMachine", name, {}, opts);
    const { lab, node, boot } = args;
    const child = { parent: this };

    // No RandomBytes: those are their own id, and ids are kept in the clear.
    const hostSecret = new random.RandomPassword(`${name}-host-key`, KEY_SECRET, child);
    const hostKeyPair = hostSecret.result.apply((secret) => sshKeyPair(secret, node.name));
    this.hostKey = pulumi.unsecret(hostKeyPair.apply((pair) => pair.publicKey));

    const seedVolume = this.seed(name, args, hostKeyPair);
    const disk = new libvirt.Volume(
      `${name}-disk`,
      {
        name: `${node.domain}-${boot.digest}.qcow2`,
        pool: args.pool,
        capacity: boot.capacity,
        target: { format: { type: "qcow2" } },
        backingStore: { path: boot.disk, format: { type: "qcow2" } },
      },
      // The provider updates no volume.
      { ...child, replaceOnChanges: ["name", "capacity", "target", "backingStore"] },
    );

    // A volume, so that it ends with the stack, and whoever may use libvirt can read it, on another host too.
    const consoleVolume = new libvirt.Volume(
      `${name}-console`,
      {
        name: `${node.domain}-console`,
        pool: args.pool,
        capacity: CONSOLE_BYTES,
        target: { format: { type: "raw" } },
      },
      // It grows.
      { ...child, ignoreChanges: ["capacity"], replaceOnChanges: ["name", "target"] },
    );

    const tcg = args.accelerator === "qemu";
    const machine: libvirt.DomainArgs = {
      name: node.domain,
      // For people who look at `virsh list --title`, and for the audit, which knows a stack's guests by it.
      title: `${lab.project} ${lab.stack}: ${node.role} ${node.name}`,
      type: args.accelerator,
      memory: node.memoryMiB,
      memoryUnit: "MiB",
      vcpu: node.vcpus,
      cpu: tcg ? { mode: "custom", model: "qemu64" } : { mode: "host-passthrough" },
      // QEMU reserves up to 1 GiB of translation cache a guest by default.
      features: { acpi: true, ...(tcg && { tcg: { tbCache: 128, tbCacheUnit: "MiB" } }) },
      os: {
        type: "hvm",
        typeArch: "x86_64",
        typeMachine: "pc",
        ...(boot.kernel
          ? {
              kernel: boot.kernel.vmlinuz,
              initrd: boot.kernel.initrd,
              cmdline: kernelCmdline(boot.kernel.cmdline, node, tcg),
            }
          : { bootDevices: [{ dev: "hd" }] }),
      },
      devices: {
        disks: [
          {
            device: "disk",
            driver: { name: "qemu", type: "qcow2", cache: "unsafe", discard: "unmap" },
            source: { volume: { pool: args.pool, volume: disk.name } },
            target: { dev: "vda", bus: "virtio" },
          },
          {
            device: "disk",
            driver: { name: "qemu", type: "raw" },
            readOnly: true,
            source: { volume: { pool: args.pool, volume: seedVolume.name } },
            target: { dev: "vdb", bus: "virtio" },
          },
        ],
        interfaces: node.nics.map((nic) => ({
          model: { type: "virtio" },
          mac: { address: nic.mac },
          mtu: { size: args.networks[nic.network].mtu },
          // No network boot: the firmware would load its ROM at every start.
          rom: { enabled: "no" },
          source: args.networks[nic.network].source,
        })),
        rngs: [{ model: "virtio", backend: { random: "/dev/urandom" } }],
        serials: [{ source: { file: { path: consoleVolume.path, append: "off" } } }],
      },
      running: true,
    };
    this.domain = new libvirt.Domain(name, machine, {
      ...child,
      replaceOnChanges: ["name"],
      deleteBeforeReplace: true,
      // libvirt attaches no running guest to a network that was made anew, and none of the guest's inputs tells.
      replaceWith: node.nics.flatMap((nic) => args.networks[nic.network].resource ?? []),
      ...(args.bootAfter && { dependsOn: args.bootAfter }),
    });
    this.booted = this.boot(name, args, machine, consoleVolume);
    this.generation = [this.domain.uuid, disk.id, seedVolume.name];
    this.registerOutputs({ hostKey: this.hostKey });
  }

  /** Waits for the guest's SSH after each start that a change of its domain has brought about. */
  private boot(
    name: string,
    { lab, node, pool }: VirtualMachineArgs,
    machine: libvirt.DomainArgs,
    consoleVolume: libvirt.Volume,
  ): local.Command {
    const { remoteHost: proxy } = lab;
    const started = pulumi
      .all([pulumi.output(machine), this.domain.uuid])
      .apply((known) => sha256(JSON.stringify(known)).slice(0, 12));
    return new local.Command(
      `${name}-boot`,
      {
        create: pulumi.interpolate`bash scripts/host/boot.sh ${node.domain} ${node.address} ${lab.bootTimeout} ${pool} ${consoleVolume.name}`,
        environment: {
          LVS_DR_LIBVIRT_URI: lab.libvirtUri,
          LVS_DR_STARTED: started,
          ...(proxy && {
            LVS_DR_PROXY: `${proxy.user}@${proxy.host}`,
            LVS_DR_PROXY_PORT: String(proxy.port),
            LVS_DR_PROXY_KEY: proxy.keyFile ?? "",
            LVS_DR_PROXY_HOST_KEY: proxy.hostKey ?? "",
          }),
        },
        // What it does meanwhile; the reason of a failure is in the error.
        logging: "stderr",
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
  }

  /** The disk from which the guest takes its identity: never through arguments that other users of the host can read. */
  private seed(
    name: string,
    { lab, node, boot, authorizedKey, pool }: VirtualMachineArgs,
    hostKey: pulumi.Output<ReturnType<typeof sshKeyPair>>,
  ): libvirt.Volume {
    const format = boot.kernel === undefined ? "iso" : "tar";
    const lines = pulumi.all([hostKey, authorizedKey]).apply(([pair, key]) => {
      const identity = { hostKey: pair, authorizedKey: key };
      return seedLines(format === "tar" ? imageSeed(identity) : cloudInitSeed(node, identity));
    });
    // Another identity is another volume, which the domain then refers to.
    const digest = pulumi.unsecret(lines.apply((text) => sha256(text).slice(0, 12)));
    // On this machine, relative to the project.
    const file = pulumi.interpolate`.lab/${lab.stack}/seeds/${node.name}-${digest}.${format}`;
    const packed = new local.Command(
      `${name}-seed`,
      {
        create: pulumi.interpolate`bash scripts/host/seed.sh ${format} ${file}`,
        delete: pulumi.interpolate`bash scripts/host/seed.sh remove ${file}`,
        stdin: lines,
        logging: "none",
        addPreviousOutputInEnv: false,
        triggers: [file],
      },
      { parent: this },
    );
    return new libvirt.Volume(
      `${name}-seed`,
      {
        name: pulumi.interpolate`${node.domain}-seed-${digest}`,
        pool,
        target: { format: { type: "raw" } },
        create: { content: { url: file.apply((path) => resolve(path)) } },
      },
      // Where the file lay when it was uploaded does not matter: a moved checkout rebuilds nothing.
      { parent: this, dependsOn: packed, ignoreChanges: ["create"], replaceOnChanges: ["name", "target"] },
    );
  }
}
