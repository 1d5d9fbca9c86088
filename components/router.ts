import * as pulumi from "@pulumi/pulumi";
import { GuestRole, type RoleArgs } from "./guestRole";

/** The router between the client network and the two subnets of the server segment. */
export class Router extends GuestRole {
  constructor(name: string, args: RoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Router", name, args, opts);
  }
}
