import { randomUUID } from "node:crypto";
import { localCommand, localRun } from "./command";
import { domain } from "./libvirtDomain";
import { network } from "./libvirtNetwork";
import { pool } from "./libvirtPool";
import { volume } from "./libvirtVolume";
import type { Invoke, Provider } from "./provider";
import { randomPassword } from "./random";
import { remoteCommand } from "./remoteCommand";

/** A provider resource is its configuration and nothing else; another configuration is another provider. */
const explicitProvider: Provider = {
  replaceOn: ["*"],
  computed: [],
  create: () => Promise.resolve({ id: randomUUID(), outputs: {} }),
};

/** Every resource type the program may register, and not one more. */
const providers: Readonly<Record<string, Provider>> = {
  "random:index/randomPassword:RandomPassword": randomPassword,
  "command:local:Command": localCommand,
  "command:remote:Command": remoteCommand,
  "libvirt:index/pool:Pool": pool,
  "libvirt:index/network:Network": network,
  "libvirt:index/volume:Volume": volume,
  "libvirt:index/domain:Domain": domain,
};

export const invokes: Readonly<Record<string, Invoke>> = { "command:local:run": localRun };

export function providerOf(type: string): Provider {
  const provider = type.startsWith("pulumi:providers:") ? explicitProvider : providers[type];
  if (!provider)
    throw new Error(`the embedded engine does not know the resource type ${type}; use --engine pulumi`);
  return provider;
}
