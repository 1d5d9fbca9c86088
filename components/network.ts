import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { Prefix } from "../model/lab/address";
import type { LabNetwork } from "../model/lab/types";

export interface NetworkArgs {
  /** The segment: names, host address, MTU. With `existingBridge` nothing is created. */
  readonly network: LabNetwork;
}

/** One L2 segment: an isolated libvirt network on which the host has an address, or an existing host bridge. */
export class Network extends pulumi.ComponentResource {
  /** What a guest's NIC attaches to. */
  public readonly source: libvirt.InterfaceArgs["source"];
  public readonly mtu: number;
  /** What the component made; absent with an existing bridge. A guest outlives its replacement without a link. */
  public readonly resource?: libvirt.Network;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Network", name, {}, opts);
    const { network } = args;
    this.mtu = network.mtu;
    if (network.existingBridge !== undefined) {
      this.source = { bridge: { bridge: network.existingBridge } };
    } else {
      this.resource = new libvirt.Network(
        name,
        {
          name: network.name,
          // STP would keep a port silent for 30 s; there is one switch here.
          bridge: { name: network.bridge, stp: "off", delay: "0" },
          // No dnsmasq: addresses are static and nobody resolves names.
          dns: { enable: "no" },
          ips: [{ address: network.hostAddress, prefix: Prefix.parse(network.cidr).length }],
          mtu: { size: network.mtu },
          autostart: true,
        },
        // The provider applies no change to a network's definition in place.
        { parent: this, deleteBeforeReplace: true, replaceOnChanges: ["bridge", "dns", "ips", "mtu"] },
      );
      this.source = { network: { network: this.resource.name } };
    }
    this.registerOutputs({ source: this.source });
  }
}
