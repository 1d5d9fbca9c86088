/** Schema of what two directors have between them. */
import { z } from "zod";
import { choice, integer, optional, says } from "./schemaParts";

/** Seconds. */
export const ADVERT_INTERVAL = 0.1;
/** Milliseconds. */
export const TOKEN = 1000;

const intervalError = {
  error: says(
    "must be a number from 0.01 to 40.95 seconds, in whole hundredths: VRRP version 3 counts in them",
    "choose 0.01 to 40.95, written without quotes",
  ),
};

export const highAvailability = z.strictObject({
  manager: choice(["keepalived", "pacemaker"], "manager")
    .default("keepalived")
    .describe(
      "Who decides which director holds the VIP: keepalived, by VRRP version 3, in less than a second; or Pacemaker on Corosync, which first has a director that is lost powered off and on, and takes some seconds.",
    ),
  advertInterval: optional(
    z
      .number(intervalError)
      .min(0.01, intervalError)
      .max(40.95, intervalError)
      .refine((seconds) => Math.abs(seconds * 100 - Math.round(seconds * 100)) < 1e-6, intervalError),
    "keepalived's: seconds between two adverts of the active director. The standby takes over when it has missed 8 of them (at 0.3 s and more: 3). Below 0.1 a guest without KVM may take over though nothing has failed.",
    String(ADVERT_INTERVAL),
  ),
  token: optional(
    integer(300, 60_000, "milliseconds"),
    "Pacemaker's: milliseconds after which Corosync takes a director that is silent for lost. Less than 1000 is for guests with KVM.",
    String(TOKEN),
  ),
  virtualRouterId: integer(1, 255)
    .default(51)
    .describe(
      "VRRP's number of the pair, and that of its connection sync, which no other on the segment may have.",
    ),
  failback: choice(["manual", "automatic"], "failback")
    .default("manual")
    .describe(
      "manual: a director that returns is the standby until somebody moves the VIP (`scripts/lab failover`). automatic: the one with the higher priority takes it back, and connections that it was not told of since its return end.",
    ),
  sync: choice(["daemon", "hash", "off"], "kind of connection sync")
    .default("daemon")
    .describe(
      "How connections outlive a failover. daemon: IPVS tells the standby of each; hash: both directors compute the same real server, which needs the scheduler sh or mh for every service; off: they end.",
    ),
});
