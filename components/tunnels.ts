import { local, remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { readScript, scriptWord } from "../lib/scripts";
import { asRoot } from "../lib/text";
import { sentCalls } from "../model/lab/tunnels";
import type { Host } from "./guestRole";

const SCRIPT = "host/vxlan.sh";

export interface TunnelsArgs {
  /** How to log in to the host; absent: the one that the program runs on. */
  readonly login?: NonNullable<Host["proxy"]>;
  /** Arguments of scripts/host/vxlan.sh that set them up, a call each. */
  readonly join: readonly string[];
  /** Their names. */
  readonly devices: readonly string[];
  /** Arguments of the script that prove that they carry whole packets, a call each. */
  readonly prove: readonly string[];
  /** Changes when the bridges were made anew. */
  readonly bridges: readonly pulumi.Input<string>[];
}

/** VXLAN devices of one host: they join its bridges of a lab's segments to those of other hosts. */
export class Tunnels extends pulumi.ComponentResource {
  private readonly joined: pulumi.Resource;

  constructor(
    private readonly name: string,
    private readonly args: TunnelsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("lvsdr:index:Tunnels", name, {}, opts);
    this.joined = this.command(name, args.join, { devices: args.devices });
    this.registerOutputs({});
  }

  /**
   * Proves that those of this host and of all others carry whole packets.
   * @param all of the lab
   * @returns resolves when they do
   */
  prove(all: readonly Tunnels[]): pulumi.Resource {
    // A host's name has no dot.
    return this.command(`${this.name}.proof`, this.args.prove, { dependsOn: all.map((each) => each.joined) });
  }

  /** @param devices those that go when the resource does */
  private command(
    name: string,
    calls: readonly string[],
    { devices = [], dependsOn = [] }: { devices?: readonly string[]; dependsOn?: pulumi.Resource[] },
  ): pulumi.Resource {
    const { login, bridges } = this.args;
    const opts = { parent: this, dependsOn };
    const common = { triggers: [...bridges], logging: "none" as const, addPreviousOutputInEnv: false };
    const all = (commands: readonly string[]): string => commands.join(" && ");
    if (login === undefined) {
      const script = `bash ${scriptWord(SCRIPT)}`;
      const run = all(calls.map((call) => `${script} ${call}`));
      const part = all(devices.map((device) => `${script} part ${device}`));
      const commands = { create: run, update: run, ...(part !== "" && { delete: part }) };
      return new local.Command(name, { ...commands, ...common }, opts);
    }
    const { host, user, port, hostKey, privateKey } = login;
    const run = sentCalls(calls);
    const part = all(
      devices.map((device) => `{ [ ! -e /sys/class/net/${device} ] || ip link delete dev ${device}; }`),
    );
    const connection = {
      host,
      user,
      port,
      privateKey,
      ...(hostKey !== undefined && { hostKey }),
      dialErrorLimit: 3,
    };
    const commands = { create: run, update: run, ...(part !== "" && { delete: asRoot(user, part) }) };
    return new remote.Command(name, { connection, stdin: readScript(SCRIPT), ...commands, ...common }, opts);
  }
}
