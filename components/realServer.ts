import * as pulumi from "@pulumi/pulumi";
import { guestPayload } from "../model/guest/payload";
import type { Lab, LabNode } from "../model/lab/types";
import { GuestRole, type Host } from "./guestRole";

export interface RealServerArgs {
  /** The machine that becomes the real server. */
  readonly host: Host;
  /** Plain, not an Input: what is wrong in it is refused before any resource, and it decides which resources there are. */
  readonly lab: Lab;
  /** Which of the lab's real servers this is. */
  readonly node: LabNode;
}

/** A real server: its pages, the VIP on lo, and silence about it on the wire. */
export class RealServer extends GuestRole {
  constructor(name: string, args: RealServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "lvsdr:index:RealServer",
      name,
      { host: args.host, payload: guestPayload(args.lab, args.node) },
      opts,
    );
  }
}
