/** Debian machines that nobody here built, as guests of libvirt beside the stack: their network, their disks, and how to log in. */
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { virsh } from "../../../lib/virsh";

const URI = "qemu:///system";
const ask = (...args: string[]): Promise<string> => virsh(URI, args);

/** The bridge that the machines are on, and one on which each has a second NIC, without an address. */
export const BRIDGE = "lvmachines";
export const CLIENT_BRIDGE = "lvmclients";

export type Release = "bookworm" | "trixie";

export interface MachineSpec {
  readonly name: string;
  readonly release: Release;
  /** Where the tests reach it, without prefix. */
  readonly address: string;
}

/** Machines on two bridges, of which the host has the first address. Their gateway is .200, which a stack's router may be; of IPv6 too. */
export class Machines {
  private readonly images = new Map<Release, string>();
  private readonly directory: string;

  /**
   * @param prefix of libvirt's objects
   * @param network the first three bytes of a /24; @param network6 the same of a /64 of IPv6
   * @param clients as `network`, of the second bridge
   */
  constructor(
    private readonly prefix: string,
    private readonly network: string,
    private readonly network6: string,
    private readonly clients: string,
    readonly specs: readonly MachineSpec[],
  ) {
    this.directory = `/var/lib/libvirt/images/${prefix}`;
  }

  async boot(): Promise<void> {
    await this.end();
    for (const release of new Set(this.specs.map((each) => each.release))) {
      const { stdout } = await promisify(execFile)("test/lab/machines/build.sh", [release]);
      this.images.set(release, stdout.trim());
    }
    mkdirSync(this.directory, { recursive: true });
    const define = async (kind: "net" | "domain", name: string, xml: string): Promise<void> => {
      const file = join(this.directory, `${name}.xml`);
      writeFileSync(file, xml);
      await ask(kind === "net" ? "net-create" : "create", file);
    };
    for (const [name, bridge, network] of [
      [this.prefix, BRIDGE, this.network],
      [`${this.prefix}-clients`, CLIENT_BRIDGE, this.clients],
    ] as const)
      await define(
        "net",
        name,
        `<network><name>${name}</name><bridge name="${bridge}" stp="off"/><ip address="${network}.1" prefix="24"/></network>`,
      );
    await Promise.all(
      this.specs.map((spec) => define("domain", this.domain(spec.name), this.domainXml(spec))),
    );
  }

  private domain(name: string): string {
    return `${this.prefix}-${name}`;
  }

  /** A host of the network, in each family. */
  private both(host: number): [string, string] {
    return [`${this.network}.${host}`, `${this.network6}${host}`];
  }

  private image(release: Release): string {
    return this.images.get(release) ?? "";
  }

  private domainXml({ name, release, address }: MachineSpec): string {
    const image = this.image(release);
    const disk = join(this.directory, `${name}.qcow2`);
    const args = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", join(image, "disk.qcow2"), disk];
    execFileSync("qemu-img", args);
    chmodSync(disk, 0o666);
    const [four, six] = this.both(Number(address.split(".")[3]));
    const nic = `${four}/24,${six}/64@${this.both(200).join()}`;
    // Nobody logs in there, and a boot would wait for its device.
    const getty = "systemd.mask=serial-getty@ttyS0.service";
    const cmdline = `root=/dev/vda rw console=ttyS0 quiet mitigations=off ${getty} machine=${name} nic=${nic}`;
    return (
      `<domain type="qemu"><name>${this.domain(name)}</name><memory unit="MiB">512</memory><vcpu>1</vcpu>` +
      `<os><type arch="x86_64" machine="pc">hvm</type><kernel>${image}/vmlinuz</kernel>` +
      `<initrd>${image}/initrd.img</initrd><cmdline>${cmdline}</cmdline></os><features><acpi/></features>` +
      `<cpu mode="maximum"/><devices>` +
      `<disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="unsafe"/><source file="${disk}"/>` +
      `<target dev="vda" bus="virtio"/></disk>` +
      ["", "-clients"]
        .map(
          (segment) =>
            `<interface type="network"><source network="${this.prefix}${segment}"/><model type="virtio"/></interface>`,
        )
        .join("") +
      `<serial type="file"><source path="${this.directory}/${name}.log"/></serial>` +
      `<rng model="virtio"><backend model="random">/dev/urandom</backend></rng></devices></domain>`
    );
  }

  /** File of the private key that opens root and admin on each of them. */
  keyFile(): string {
    return join(this.image("bookworm"), "login");
  }

  /** What the configuration says of one under `ssh`. */
  login(name: string): { keyFile: string; hostKey: string } {
    const { release } = this.specs.find((each) => each.name === name) ?? { release: "bookworm" as const };
    const directory = this.image(release);
    return {
      keyFile: join(directory, "login"),
      hostKey: readFileSync(join(directory, "host.pub"), "utf8").split(" ").slice(0, 2).join(" "),
    };
  }

  /** Runs a command as root, by a way of the test's own. */
  async run(name: string, command: string): Promise<string> {
    const spec = this.specs.find((each) => each.name === name);
    if (spec === undefined) throw new Error(`there is no machine ${name}`);
    const options = [
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "LogLevel=ERROR",
      "ConnectTimeout=30",
    ];
    const { stdout } = await promisify(execFile)(
      "ssh",
      [
        "-F",
        "none",
        "-i",
        this.login(name).keyFile,
        ...options.flatMap((option) => ["-o", option]),
        `root@${spec.address}`,
        command,
      ],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    return stdout;
  }

  async end(): Promise<void> {
    for (const { name } of this.specs) await ask("destroy", this.domain(name)).catch(() => undefined);
    for (const segment of ["", "-clients"])
      await ask("net-destroy", this.prefix + segment).catch(() => undefined);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
