/** A real Pulumi program with every kind of resource, component, option and value that the project's own one has. */
import * as command from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

const config = new pulumi.Config();
const canary = config.requireSecret("canary");
const shape = config.requireObject<{ memory: number }>("shape");
const provider = new libvirt.Provider("libvirt", { uri: "test:///default" });

class Guest extends pulumi.ComponentResource {
  readonly stdout: pulumi.Output<string>;
  readonly domain: libvirt.Domain;

  constructor(
    name: string,
    pool: libvirt.Pool,
    network: libvirt.Network,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("lvsdr:index:Guest", name, {}, opts);
    const child = { parent: this };
    const key = new random.RandomPassword(`${name}-key`, { length: 8, special: false }, child);
    const disk = new libvirt.Volume(
      `${name}-disk`,
      { name: `${name}.qcow2`, pool: pool.name, capacity: 1024 },
      { ...child, dependsOn: pool },
    );
    this.domain = new libvirt.Domain(
      name,
      {
        name,
        type: "qemu",
        memory: shape.memory,
        vcpu: 1,
        os: { type: "hvm" },
        devices: {
          disks: [{ source: { volume: { pool: pool.name, volume: disk.name } }, target: { dev: "vda" } }],
          interfaces: [{ source: { network: { network: network.name } } }],
        },
        running: true,
      },
      child,
    );
    const configure = new command.remote.Command(
      `${name}-configure`,
      {
        connection: { host: "192.0.2.1", privateKey: canary, hostKey: "ssh-ed25519 AAAA", dialErrorLimit: 0 },
        create: "bash -s",
        stdin: pulumi.interpolate`${canary} ${key.result}`,
        triggers: [this.domain.id],
        logging: "stdout",
        addPreviousOutputInEnv: false,
      },
      child,
    );
    this.stdout = configure.stdout;
    this.registerOutputs({ stdout: this.stdout });
  }
}

const pool = new libvirt.Pool(
  "pool",
  { name: "lab", type: "dir", target: { path: "/nowhere/lab" } },
  { provider },
);
const network = new libvirt.Network("net", { name: "lab-net" }, { provider });
const guests = ["a", "b"].map((name) => new Guest(name, pool, network, { providers: { libvirt: provider } }));

export const names = guests.map((guest) => guest.domain.name);
export const stdout = guests[0]?.stdout;
export const seen = command.local.runOutput({
  command: pulumi.interpolate`echo seen ${guests[0]?.domain.id}`,
  logging: "none",
}).stdout;
export const plain = { memory: shape.memory, list: [true, null] };
// By then it is known as a secret.
stdout?.apply(() => console.log("the program prints", config.get("canary")));
