/** The part of the configuration that says what drills promise. */
import { z } from "zod";
import { integer, optional } from "./schemaParts";

const seconds = (min = 1) => integer(min, 3600, "seconds");
const fixed = (value: number, about: string, range = seconds()) => range.default(value).describe(about);
const derived = (from: string, about: string, range = seconds()) => optional(range, about, from);
const requests = () => integer(0, 1_000_000, "requests");
const milliseconds = () => integer(1, 600_000, "milliseconds");

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
        20,
        "First attempts without a good answer when a web server stops or is killed; more for a server with half of the weight or more.",
        requests(),
      ),
      lostAfterRetry: derived(
        "0 or 2 by its turn under rr and wrr, else no limit",
        "Requests whose retry failed too when a web server stops or is killed.",
        requests(),
      ),
      rebootSeconds: fixed(120, "Until a guest that reboots or was without power serves again."),
      resetSeconds: fixed(
        30,
        "Until a connection that was open to a server without power is reset, from that server's ejection.",
      ),
      restartSeconds: fixed(5, "Until ldirectord runs again after it was killed."),
      drainSeconds: fixed(30, "Until a drained server has weight 0, from the change."),
      changeSeconds: fixed(30, "Until a changed weight is in the table."),
      removalSeconds: fixed(60, "Until a removed server is out of the table."),
      arpLeakSeconds: fixed(60, "For which a real server may answer ARP for the VIP."),
      entrySeconds: fixed(300, "For which the director may remember a client that vanished."),
      downloadSeconds: fixed(10, "For 1 MB over a path that narrowed to MTU 1280."),
      scriptOverrunSeconds: fixed(
        10,
        "By which a guest's script that hangs may outlast its time limit; the same on every host.",
      ),
      takeoverMs: derived(
        "1000, at an advertInterval from 0.3 on 4 of it and 100; with Pacemaker 2.2 × token + 7000",
        "Milliseconds until the VIP answers again when the active of two directors dies; stretched like seconds.",
        milliseconds(),
      ),
      handoverMs: derived(
        "250; with Pacemaker 4000",
        "Milliseconds until the VIP answers again when the active director gives it up in order; stretched like seconds.",
        milliseconds(),
      ),
      twoHoldersSeconds: fixed(3, "For which two directors may answer for the VIP."),
      namedSeconds: fixed(5, "Until the status names a split, or a checker that is stopped."),
      standbySeconds: fixed(30, "Until a standby that returns knows table and connections."),
      answeredPercent: fixed(
        99,
        "Per cent of the first attempts that a lossy link must leave answered.",
        integer(0, 100, "per cent"),
      ),
      worstAnswerMs: fixed(
        1000,
        "Milliseconds for any answer while all web servers hang and that is known; stretched like seconds.",
        milliseconds(),
      ),
      worstConnectMs: fixed(
        1000,
        "Milliseconds for any connect from a port that is used over and over; the same on every host.",
        milliseconds(),
      ),
    })
    .prefault({})
    .describe(
      "What `scripts/lab drill` promises. Seconds are for a host with KVM: without it they count twice or more.",
    ),
});

export type DrillLimits = z.output<typeof drillSettings>["limits"];

/** What a stack promises that configures no limit. */
export const DRILL_LIMITS: DrillLimits = drillSettings.parse({}).limits;
