import { resolve } from "node:path";
import { local } from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { sha256 } from "../lib/text";
import { cloudInitSeed, imageSeed, kernelCmdline, seedLines, type GuestIdentity } from "../model/guest/boot";
import { KEY_SECRET, sshKeyPair } from "../model/guest/sshKey";
import type { RemoteHost } from "../model/lab/types";
import { scriptWord } from "../lib/scripts";
import type { BootSource } from "./guestImage";
import type { Network } from "./network";

/** Bytes of a console before its guest's first start, which makes it empty; libvirt would take none for unknown. */
const CONSOLE_BYTES = 4096;

export interface NicArgs {
  readonly network: Network;
  /** Its name inside the guest: eth0, eth1. */
  readonly device: pulumi.Input<string>;
  /** Lower-case, colon-separated. */
  readonly mac: pulumi.Input<string>;
  /** Addresses in CIDR form, the primary one first. */
  readonly addresses: pulumi.Input<pulumi.Input<string>[]>;
}

export interface VirtualMachineArgs {
  /** Name of the libvirt domain; the names of its volumes begin with it. */
  readonly domainName: pulumi.Input<string>;
  /** What `virsh list --title` shows. */
  readonly title: pulumi.Input<string>;
  readonly hostName: pulumi.Input<string>;
  /** Where it answers SSH. */
  readonly address: pulumi.Input<string>;
  /** Default gateway; absent on a router. */
  readonly gateway?: pulumi.Input<string>;
  /** The same of IPv6; absent where the guest has none. */
  readonly gateway6?: pulumi.Input<string>;
  readonly memoryMiB: pulumi.Input<number>;
  readonly vcpus: pulumi.Input<number>;
  readonly nics: readonly NicArgs[];
  readonly boot: BootSource;
  /** Name of the pool for its volumes. */
  readonly pool: pulumi.Input<string>;
  /** The public key that may log in as root. */
  readonly authorizedKey: pulumi.Input<string>;
  /** `kvm` or `qemu` (TCG). */
  readonly accelerator: "kvm" | "qemu";
  /** Which host it is on: on another one it is made anew. */
  readonly place: string;
  /** libvirt's own address, for what watches the boot. */
  readonly libvirtUri: pulumi.Input<string>;
  /** Through what it is reached, when libvirt is on another host. */
  readonly proxy?: RemoteHost;
  /** Seconds it has to answer SSH. */
  readonly bootTimeout: pulumi.Input<number>;
  /** Directory on this machine, relative to the program's, in which seed disks are packed. */
  readonly seedDirectory: pulumi.Input<string>;
  /** What must be done before this guest starts, for instance another guest's boot. */
  readonly bootAfter?: readonly pulumi.Resource[];
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
    const { boot, domainName } = args;
    const child = { parent: this };
    // With another provider of the same package alone, Pulumi would look for it where it is not.
    const onHost = { ...child, replacementTrigger: args.place };
    const identity = pulumi.output({
      name: args.hostName,
      domain: domainName,
      gateway: args.gateway,
      gateway6: args.gateway6,
      nics: args.nics.map(({ device, mac, addresses }) => ({ device, mac, addresses })),
    });

    // No RandomBytes: those are their own id, and ids are kept in the clear.
    const hostSecret = new random.RandomPassword(`${name}-host-key`, KEY_SECRET, child);
    const hostKeyPair = pulumi
      .all([hostSecret.result, args.hostName])
      .apply(([secret, hostName]) => sshKeyPair(secret, hostName));
    this.hostKey = pulumi.unsecret(hostKeyPair.apply((pair) => pair.publicKey));

    const seedVolume = this.seed(name, args, identity, hostKeyPair);
    const disk = new libvirt.Volume(
      `${name}-disk`,
      {
        name: pulumi.interpolate`${domainName}-${boot.digest}.qcow2`,
        pool: args.pool,
        capacity: boot.capacity,
        target: { format: { type: "qcow2" } },
        backingStore: { path: boot.disk, format: { type: "qcow2" } },
      },
      // The provider updates no volume.
      { ...onHost, replaceOnChanges: ["name", "capacity", "target", "backingStore"] },
    );

    // A volume, so that it ends with the stack, and whoever may use libvirt can read it, on another host too.
    const consoleVolume = new libvirt.Volume(
      `${name}-console`,
      {
        name: pulumi.interpolate`${domainName}-console`,
        pool: args.pool,
        capacity: CONSOLE_BYTES,
        target: { format: { type: "raw" } },
      },
      // It grows.
      { ...onHost, ignoreChanges: ["capacity"], replaceOnChanges: ["name", "target"] },
    );

    const tcg = args.accelerator === "qemu";
    const commandLine = (base: string): pulumi.Output<string> =>
      identity.apply((known) => kernelCmdline(base, known, tcg));
    const machine: libvirt.DomainArgs = {
      name: domainName,
      title: args.title,
      type: args.accelerator,
      memory: args.memoryMiB,
      memoryUnit: "MiB",
      vcpu: args.vcpus,
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
              cmdline: commandLine(boot.kernel.cmdline),
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
        interfaces: args.nics.map(({ network, mac }) => ({
          model: { type: "virtio" },
          mac: { address: mac },
          mtu: { size: network.mtu },
          // No network boot: the firmware would load its ROM at every start.
          rom: { enabled: "no" },
          source: network.source,
        })),
        rngs: [{ model: "virtio", backend: { random: "/dev/urandom" } }],
        serials: [{ source: { file: { path: consoleVolume.path, append: "off" } } }],
      },
      running: true,
    };
    this.domain = new libvirt.Domain(name, machine, {
      ...onHost,
      replaceOnChanges: ["name"],
      deleteBeforeReplace: true,
      // libvirt attaches no running guest to a network that was made anew, and none of the guest's inputs tells.
      replaceWith: args.nics.flatMap(({ network }) => network.resource ?? []),
      ...(args.bootAfter && args.bootAfter.length > 0 && { dependsOn: [...args.bootAfter] }),
    });
    this.booted = this.boot(name, args, machine, consoleVolume);
    this.generation = [this.domain.uuid, disk.id, seedVolume.name];
    this.registerOutputs({ hostKey: this.hostKey });
  }

  /** Waits for the guest's SSH after each start that a change of its domain has brought about. */
  private boot(
    name: string,
    { domainName, address, bootTimeout, pool, libvirtUri, proxy }: VirtualMachineArgs,
    machine: libvirt.DomainArgs,
    consoleVolume: libvirt.Volume,
  ): local.Command {
    const started = pulumi
      .all([pulumi.output(machine), this.domain.uuid])
      .apply((known) => sha256(JSON.stringify(known)).slice(0, 12));
    return new local.Command(
      `${name}-boot`,
      {
        create: pulumi.interpolate`bash ${scriptWord("host/boot.sh")} ${domainName} ${address} ${bootTimeout} ${pool} ${consoleVolume.name}`,
        environment: {
          LVS_DR_LIBVIRT_URI: libvirtUri,
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
    { domainName, hostName, boot, authorizedKey, pool, place, seedDirectory }: VirtualMachineArgs,
    guest: pulumi.Output<GuestIdentity>,
    hostKey: pulumi.Output<ReturnType<typeof sshKeyPair>>,
  ): libvirt.Volume {
    const format = boot.kernel === undefined ? "iso" : "tar";
    const lines = pulumi.all([guest, hostKey, authorizedKey]).apply(([known, pair, key]) => {
      const identity = { hostKey: pair, authorizedKey: key };
      return seedLines(format === "tar" ? imageSeed(identity) : cloudInitSeed(known, identity));
    });
    // Another identity is another volume, which the domain then refers to.
    const digest = pulumi.unsecret(lines.apply((text) => sha256(text).slice(0, 12)));
    const file = pulumi.interpolate`${seedDirectory}/${hostName}-${digest}.${format}`;
    const packed = new local.Command(
      `${name}-seed`,
      {
        create: pulumi.interpolate`bash ${scriptWord("host/seed.sh")} ${format} ${file}`,
        delete: pulumi.interpolate`bash ${scriptWord("host/seed.sh")} remove ${file}`,
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
        name: pulumi.interpolate`${domainName}-seed-${digest}`,
        pool,
        target: { format: { type: "raw" } },
        create: { content: { url: file.apply((path) => resolve(path)) } },
      },
      // Where the file lay when it was uploaded does not matter: a moved checkout rebuilds nothing.
      {
        parent: this,
        dependsOn: packed,
        ignoreChanges: ["create"],
        replaceOnChanges: ["name", "target"],
        replacementTrigger: place,
      },
    );
  }
}
