import * as pulumi from "@pulumi/pulumi";
import { guestPayload } from "../model/guest/payload";
import type { Lab, LabNode } from "../model/lab/types";
import { hasPassword } from "./observation";
import { GuestRole, type Host } from "./guestRole";

export interface DirectorArgs {
  /** The machine that becomes the director. */
  readonly host: Host;
  /** Plain, not an Input: what is wrong in it is refused before any resource, and it decides which resources there are. */
  readonly lab: Lab;
  readonly node: LabNode;
}

/** The director: the VIP, the IPVS table, and ldirectord or nobody to keep it. */
export class Director extends GuestRole {
  constructor(name: string, args: DirectorArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "lvsdr:index:Director",
      name,
      {
        host: args.host,
        payload: guestPayload(args.lab, args.node),
        secret: hasPassword(args.lab),
      },
      opts,
    );
  }
}
