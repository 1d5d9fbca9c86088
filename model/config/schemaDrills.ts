/** The part of the configuration that says what drills promise. */
import { z } from "zod";
import { DRILL_LIMITS, type DrillLimits } from "../lab/drillLimits";
import { integer } from "./schemaParts";

type Fixed = { [K in keyof DrillLimits]-?: undefined extends DrillLimits[K] ? never : K }[keyof DrillLimits];

const seconds = (min = 1) => integer(min, 3600, "seconds");
const fixed = (key: Fixed, about: string, range = seconds()) =>
  range.default(DRILL_LIMITS[key]).describe(about);
const derived = (from: string, about: string, range = seconds()) =>
  range.optional().describe(about).meta({ "x-default": from });
const requests = () => integer(0, 1_000_000, "requests");
const milliseconds = () => integer(1, 60_000, "milliseconds");

export const drillSettings = z.strictObject({
  limits: z
    .strictObject({
      ejectSeconds: derived(
        "failurecount × checkinterval + 2",
        "Until a server that refuses or answers wrongly is out of the table.",
      ),
      ejectSilentSeconds: derived(
        "failurecount × (checkinterval + timeout) + 2",
        "Until one server that keeps silent is out; each further one adds failurecount × timeout.",
      ),
      recoverSeconds: derived("checkinterval + 2", "Until a server that answers again is back."),
      recoverSilentSeconds: derived(
        "checkinterval + timeout + 2",
        "Until a server that answers again is back, after it had kept silent.",
      ),
      failed: fixed(
        "failed",
        "First attempts without a good answer when a web server stops or is killed; more for a server with most of the weight.",
        requests(),
      ),
      lostAfterRetry: derived(
        "0 or 2 by its turn under rr and wrr, else no limit",
        "Requests whose retry failed too when a web server stops or is killed.",
        requests(),
      ),
      rebootSeconds: fixed("rebootSeconds", "Until a guest that reboots or was without power serves again."),
      resetSeconds: fixed(
        "resetSeconds",
        "Until a connection that was open to a server without power is reset, from that server's ejection.",
      ),
      restartSeconds: fixed("restartSeconds", "Until ldirectord runs again after it was killed."),
      drainSeconds: fixed("drainSeconds", "Until a drained server has weight 0, from the change."),
      changeSeconds: fixed("changeSeconds", "Until a changed weight is in the table."),
      removalSeconds: fixed("removalSeconds", "Until a removed server is out of the table."),
      arpLeakSeconds: fixed("arpLeakSeconds", "For which a real server may answer ARP for the VIP."),
      entrySeconds: fixed("entrySeconds", "For which the director may remember a client that vanished."),
      downloadSeconds: fixed("downloadSeconds", "For 1 MB over a path that narrowed to MTU 1280."),
      scriptOverrunSeconds: fixed(
        "scriptOverrunSeconds",
        "By which a guest's script that hangs may outlast its time limit; the same on every host.",
      ),
      answeredPercent: fixed(
        "answeredPercent",
        "Per cent of the first attempts that a lossy link must leave answered.",
        integer(0, 100, "per cent"),
      ),
      worstAnswerMs: fixed(
        "worstAnswerMs",
        "Milliseconds for any answer while all web servers hang and that is known; stretched like seconds.",
        milliseconds(),
      ),
      worstConnectMs: fixed(
        "worstConnectMs",
        "Milliseconds for any connect from a port that is used over and over; the same on every host.",
        milliseconds(),
      ),
    })
    .prefault({})
    .describe(
      "What `scripts/lab drill` promises. Seconds are for a host with KVM: without it they count twice or more.",
    ),
});
