import type { Properties } from "../../../../lib/properties";
import type { Declare, TestProgram } from "./stack";

export const LIBVIRT = {
  pool: "libvirt:index/pool:Pool",
  network: "libvirt:index/network:Network",
  volume: "libvirt:index/volume:Volume",
  domain: "libvirt:index/domain:Domain",
};

export interface LabOptions {
  /** Guests; two by default. */
  readonly guests?: readonly string[];
  readonly memory?: number;
  readonly script?: string;
  /** A file to upload into a seed volume for each guest. */
  readonly seed?: string;
  /** Whether all but the provider are children of one component, which knows them as the stack's own of before. */
  readonly cluster?: boolean;
}

/** A small lab with every kind of resource the real one has but SSH: provider, pool, network, volumes, domains, commands. */
export function lab({
  guests = ["a", "b"],
  memory = 256,
  script = "true",
  seed,
  cluster = false,
}: LabOptions = {}): TestProgram {
  return async (register, stack) => {
    const provider = await register(
      "pulumi:providers:libvirt",
      "libvirt",
      { uri: "test:///default" },
      { parent: stack },
    );
    const component = { parent: stack, custom: false };
    const parent = cluster ? (await register("test:index:Cluster", "cluster", {}, component)).urn : stack;
    const declare: Declare = (type, name, inputs, options) =>
      register(type, name, inputs, {
        ...options,
        aliases: cluster ? [`urn:pulumi:dev::p::${type}::${name}`] : [],
      });
    const options = { parent, provider: `${provider.urn}::${provider.id}` };
    const [pool, network] = await Promise.all([
      declare(LIBVIRT.pool, "pool", { name: "dev", type: "dir", target: { path: "/nowhere/dev" } }, options),
      declare(
        LIBVIRT.network,
        "net",
        { name: "dev-net", bridge: { name: "br-dev" }, autostart: true },
        options,
      ),
    ]);
    const ids: Record<string, string> = {};
    await Promise.all(
      guests.map(async (name) => {
        const inPool = { ...options, dependencies: [pool.urn], propertyDependencies: { pool: [pool.urn] } };
        const volume = {
          name: `dev-${name}.qcow2`,
          pool: "dev",
          capacity: 1024,
          backingStore: { path: "/base.qcow2" },
        };
        const disk = await declare(LIBVIRT.volume, `${name}-disk`, volume, inPool);
        const seedInputs = {
          name: `dev-${name}-seed`,
          pool: "dev",
          create: { content: { url: seed ?? "" } },
        };
        const extra = seed ? [await declare(LIBVIRT.volume, `${name}-seed`, seedInputs, inPool)] : [];
        const disks = [disk, ...extra].map((v) => ({
          source: { volume: { pool: "dev", volume: (v.outputs.name as string | undefined) ?? "" } },
          target: { dev: "vda" },
        }));
        const domain = await declare(
          LIBVIRT.domain,
          name,
          {
            name: `dev-${name}`,
            type: "qemu",
            memory,
            os: { type: "hvm" },
            devices: { disks },
            running: true,
          },
          {
            ...options,
            dependencies: [disk.urn, network.urn, ...extra.map((v) => v.urn)],
            propertyDependencies: { devices: [disk.urn, network.urn] },
          },
        );
        const command = await declare(
          "command:test:Command",
          `${name}-configure`,
          { create: script, triggers: [domain.id] },
          {
            parent,
            dependencies: [domain.urn],
            propertyDependencies: { triggers: [domain.urn] },
          },
        );
        ids[name] = (command.outputs.stdout as string | undefined) ?? "";
      }),
    );
    return { guests: ids } as Properties;
  };
}
