import * as pulumi from "@pulumi/pulumi";
import { guestPayload } from "../model/guest/payload";
import type { Lab } from "../model/lab/types";
import { GuestRole, type Host } from "./guestRole";

export interface ClientArgs {
  /** The machine that becomes the client. */
  readonly host: Host;
  /** Plain, not an Input: what is wrong in it is refused before any resource, and it decides which resources there are. */
  readonly lab: Lab;
}

/** The client: in its own network, with the router as its only way out. */
export class Client extends GuestRole {
  constructor(name: string, args: ClientArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "lvsdr:index:Client",
      name,
      { host: args.host, payload: guestPayload(args.lab, args.lab.client) },
      opts,
    );
  }
}
