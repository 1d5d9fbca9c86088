import * as pulumi from "@pulumi/pulumi";
import { GuestRole, type RoleArgs } from "./guestRole";

/** The client: in its own network, with the router as its only way out. */
export class Client extends GuestRole {
  constructor(name: string, args: RoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Client", name, args, opts);
  }
}
