import * as pulumi from "@pulumi/pulumi";
import { routerSettings } from "../model/guestSettings";
import type { Lab } from "../model/types";
import { GuestRole, type Host } from "./guestRole";

export interface RouterArgs {
  readonly host: Host;
  readonly lab: Lab;
}

/** The router between the client network and the two subnets of the server segment. */
export class Router extends GuestRole {
  constructor(name: string, args: RouterArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "lvsdr:index:Router",
      name,
      { host: args.host, scripts: ["router.sh"], settings: routerSettings(args.lab) },
      opts,
    );
  }
}
