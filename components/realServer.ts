import * as pulumi from "@pulumi/pulumi";
import { GuestRole, type RoleArgs } from "./guestRole";

/** A real server: its pages, the VIP on lo, and silence about it on the wire. */
export class RealServer extends GuestRole {
  constructor(name: string, args: RoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:RealServer", name, args, opts);
  }
}
