import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";

export interface NetworkArgs {
  /** Name of the libvirt network. Unused with `existingBridge`. */
  readonly networkName: pulumi.Input<string>;
  /** Name of the Linux bridge behind it, at most 15 characters. Unused with `existingBridge`. */
  readonly bridge: pulumi.Input<string>;
  /** The host's address on the segment, through which it reaches the guests. Unused with `existingBridge`. */
  readonly address: pulumi.Input<string>;
  /** Length of that address's prefix, bits. */
  readonly prefix: pulumi.Input<number>;
  /** MTU of every NIC on the segment, bytes. */
  readonly mtu: pulumi.Input<number>;
  /** An existing bridge of the host that guests attach to instead. Plain: with it no network is created. */
  readonly existingBridge?: string;
}

/** One layer 2 segment: an isolated libvirt network on which the host has an address, or an existing host bridge. */
export class Network extends pulumi.ComponentResource {
  /** What a guest's NIC attaches to. */
  public readonly source: libvirt.InterfaceArgs["source"];
  public readonly mtu: pulumi.Input<number>;
  /** What the component made; absent with an existing bridge. A guest outlives its replacement without a link. */
  public readonly resource?: libvirt.Network;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Network", name, {}, opts);
    this.mtu = args.mtu;
    if (args.existingBridge !== undefined) {
      this.source = { bridge: { bridge: args.existingBridge } };
    } else {
      this.resource = new libvirt.Network(
        name,
        {
          name: args.networkName,
          // STP would keep a port silent for 30 s; there is one switch here.
          bridge: { name: args.bridge, stp: "off", delay: "0" },
          // No dnsmasq: addresses are static and nobody resolves names.
          dns: { enable: "no" },
          ips: [{ address: args.address, prefix: args.prefix }],
          mtu: { size: args.mtu },
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
