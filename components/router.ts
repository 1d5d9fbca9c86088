import * as pulumi from "@pulumi/pulumi";
import { guestPayload } from "../model/guest/payload";
import type { Lab, LabNode } from "../model/lab/types";
import { GuestRole, type Host } from "./guestRole";

export interface RouterArgs {
  /** The machine that becomes the router. */
  readonly host: Host;
  /** Plain, not an Input: what is wrong in it is refused before any resource, and it decides which resources there are. */
  readonly lab: Lab;
  readonly node: LabNode;
}

/** The router between the client network and the two subnets of the server segment. */
export class Router extends GuestRole {
  constructor(name: string, args: RouterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Router", name, { host: args.host, payload: guestPayload(args.lab, args.node) }, opts);
  }
}
