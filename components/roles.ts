import * as pulumi from "@pulumi/pulumi";
import { GuestRole, type GuestRoleArgs } from "./guestRole";

/** The router between the client network and the two subnets of the server segment. */
export class Router extends GuestRole {
  constructor(name: string, args: GuestRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Router", "router", name, args, opts);
  }
}

/** The client: in its own network, with the router as its only way out. */
export class Client extends GuestRole {
  constructor(name: string, args: GuestRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Client", "client", name, args, opts);
  }
}

/** A real server: its pages, the VIP on lo, and silence about it on the wire. */
export class RealServer extends GuestRole {
  constructor(name: string, args: GuestRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:RealServer", "realServer", name, args, opts);
  }
}

/** The director: the VIP, the IPVS table, and ldirectord or nobody to keep it. */
export class Director extends GuestRole {
  constructor(name: string, args: GuestRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Director", "director", name, args, opts);
  }
}
