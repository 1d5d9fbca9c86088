import * as pulumi from "@pulumi/pulumi";
import { GuestRole, type RoleArgs } from "./guestRole";

/** The director: the VIP, the IPVS table, and ldirectord or nobody to keep it. */
export class Director extends GuestRole {
  constructor(name: string, args: RoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Director", name, args, opts);
  }
}
