/** Hosts for libvirt beside the lab's first one, on this machine: `host.sh`, for tests. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { virsh } from "../../../lib/virsh";

const execute = promisify(execFile);

/** What is needed to reach a host; all paths are absolute, and on the first host. */
export interface HostFacts {
  readonly name: string;
  /** Its network namespace; the name is seen where `up` or `powerOn` was run, and below. */
  readonly namespace: string;
  /** Where all of its files are: its own ones below `disk/`. */
  readonly directory: string;
  /** Its own address on the underlay, a /24. */
  readonly address: string;
  /** The first host's address on the same link. */
  readonly firstAddress: string;
  /** The device of the underlay, on the host and on the first one. */
  readonly link: string;
  readonly firstLink: string;
  /** Of the underlay, in bytes. */
  readonly mtu: number;
  readonly user: string;
  readonly port: number;
  readonly keyFile: string;
  /** Type and key. */
  readonly hostKey: string;
  readonly knownHosts: string;
  /** Stands in for `ssh`, and trusts this host alone. */
  readonly ssh: string;
  readonly libvirtUri: string;
  /** Number of its first process here. */
  readonly initPid: number;
}

/** One end of a VXLAN with that number, whose other end is at `remote`; 1450 is what it leaves of 1500. */
export const vxlanEnd = (name: string, id: number, local: string, remote: string): string =>
  `ip link add ${name} type vxlan id ${id} dstport 4789 local ${local}
  bridge fdb append 00:00:00:00:00:00 dev ${name} dst ${remote}
  ip link set ${name} mtu 1450 up`;

async function host(command: string, ...args: readonly string[]): Promise<string> {
  // Nobody closes what its daemons keep open but they themselves, so that there is a deadline.
  const { stdout } = await execute("test/lab/hosts/host.sh", [command, ...args], { timeout: 180_000 });
  return stdout;
}

export class Host {
  private known: HostFacts | undefined;

  /** @param name at most 9 lower-case letters and digits */
  constructor(readonly name: string) {}

  /** Those of the last `up` or `powerOn`. */
  get facts(): HostFacts {
    if (this.known === undefined) throw new Error(`the host ${this.name} was not made`);
    return this.known;
  }

  /** Makes and boots it, or does what is missing of that. */
  async up(mtu?: number): Promise<HostFacts> {
    this.known = JSON.parse(
      await host("up", this.name, ...(mtu === undefined ? [] : [String(mtu)])),
    ) as HostFacts;
    return this.known;
  }

  /** Every process of it is killed, and it is not on the network any more. */
  async powerOff(): Promise<void> {
    await host("power-off", this.name);
  }

  /** Boots it: the same files, libvirt's objects with autostart, no guest, no device that was made by hand. */
  async powerOn(): Promise<HostFacts> {
    this.known = JSON.parse(await host("power-on", this.name)) as HostFacts;
    return this.known;
  }

  /** Leaves nothing of it. */
  async down(): Promise<void> {
    await host("down", this.name);
    this.known = undefined;
  }

  /** Runs a command on it, as root, by SSH. */
  async run(command: string): Promise<string> {
    const { ssh, keyFile, user, address } = this.facts;
    const options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5"];
    const { stdout } = await execute(ssh, ["-i", keyFile, ...options, `${user}@${address}`, command]);
    return stdout;
  }

  /** Asks its libvirt. */
  virsh(...args: readonly string[]): Promise<string> {
    return virsh(this.facts.libvirtUri, args);
  }

  /** Keys of a stack's configuration that put all of its guests there. */
  config(): { libvirtUri: string; remoteHostKey: string; accelerator: string } {
    return { libvirtUri: this.facts.libvirtUri, remoteHostKey: this.facts.hostKey, accelerator: "qemu" };
  }
}
