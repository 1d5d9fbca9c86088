import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { directorSettings } from "../model/guestSettings";
import type { Lab } from "../model/types";
import { hasPassword } from "./observation";
import { GuestRole, type Host } from "./guestRole";

export interface DirectorArgs {
  /** The machine that becomes the director. */
  readonly host: Host;
  /** Plain, not an Input: what is wrong in it is refused before any resource, and it decides which resources there are. */
  readonly lab: Lab;
}

/** The director: the VIP, the IPVS table, and ldirectord or nobody to keep it. */
export class Director extends GuestRole {
  constructor(name: string, args: DirectorArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = {
      ...directorSettings(args.lab),
      // The guest's ldirectord is asked as this host's is, in components/ldirectordProbe.ts.
      LVS_DRY_RUN: readFileSync("scripts/host/ldirectord-dry-run.sh", "utf8"),
      LVS_DRY_RUN_MODULE: readFileSync("scripts/host/ldirectord-dry-run/DryRun.pm", "utf8"),
    };
    super(
      "lvsdr:index:Director",
      name,
      {
        host: args.host,
        scripts: ["pages.sh", "ipvsTable.sh", "declaredVips.sh", "director.sh"],
        settings,
        secret: hasPassword(args.lab),
      },
      opts,
    );
  }
}
