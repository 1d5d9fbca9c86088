/** Schema of what two directors have between them. */
import { z } from "zod";
import { choice, integer, says } from "./schemaParts";

const intervalError = {
  error: says(
    "must be a number from 0.01 to 40.95 seconds, in whole hundredths: VRRP version 3 counts in them",
    "choose 0.01 to 40.95, written without quotes",
  ),
};

export const highAvailability = z.strictObject({
  manager: choice(["keepalived"], "manager")
    .default("keepalived")
    .describe("Who decides which director holds the VIP: keepalived, by VRRP version 3."),
  advertInterval: z
    .number(intervalError)
    .min(0.01, intervalError)
    .max(40.95, intervalError)
    .refine((seconds) => Math.abs(seconds * 100 - Math.round(seconds * 100)) < 1e-6, intervalError)
    .default(0.1)
    .describe(
      "Seconds between two adverts of the active director. The standby takes over when it has missed 8 of them (at 0.3 s and more: 3). Below 0.1 a guest without KVM may take over though nothing has failed.",
    ),
  virtualRouterId: integer(1, 255)
    .default(51)
    .describe("VRRP's number of the pair, which no other on the segment may have."),
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
