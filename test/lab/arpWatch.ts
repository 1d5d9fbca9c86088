/** Who says on the server segment that it has the VIP, over a time: asked each second from the router and from the host. */
import { spawn } from "node:child_process";
import { expect } from "vitest";
import { nicOn } from "../../model/lab/types";
import { parseArping, whoHas } from "../../health/arping";
import { macOwner } from "../../verify/checks/arp";
import { shellQuote } from "../../lib/text";
import { Stream } from "../../drills/stream";
import { eventually, inGuests } from "./support";

/** Milliseconds that the asking goes on after `work` is over. */
const AFTER = 3000;

/**
 * Every "NODE MAC" that claimed the VIP during `work`: in answers to the router and to the host, and in whatever the router overheard.
 * Fails where the director did not answer both: who hears nothing proves nothing.
 */
export async function claimants(work: () => Promise<unknown>): Promise<string[]> {
  return inGuests(async (shell, lab) => {
    const [{ vip }] = lab.services;
    const { device } = nicOn(lab.routers[0], "server");
    const { bridge, hostAddress } = lab.segments.server;
    // With its neighbour cache flushed each time; a permanent entry, as strategy static has one, stays.
    const ask =
      `tcpdump -lnne -i ${device} 'arp and src host ${vip}' 2>/dev/null & heard=$!; ` +
      `while read -t 1 -r _; (($? > 128)); do ip neigh flush to ${vip} dev ${device}; ${whoHas(vip, device, 2)}; done; ` +
      "kill $heard";
    let toRouter = "";
    let toHost = "";
    const director = expect.stringMatching(/^director /) as string;
    const named = (macs: readonly string[]): string[] =>
      [...new Set(macs)].map((mac) => macOwner(lab, mac)).sort();
    const answers = () => ({ router: named(parseArping(toRouter)), host: named(parseArping(toHost)) });
    const bothHearTheDirector = (): void =>
      expect(answers()).toEqual({
        router: expect.arrayContaining([director]) as string[],
        host: expect.arrayContaining([director]) as string[],
      });
    const router = new Stream(
      shell,
      lab.routers[0].name,
      `bash -c ${shellQuote(ask)}`,
      (line) => (toRouter += `${line}\n`),
    );
    const host = spawn("arping", ["-b", "-s", hostAddress, "-I", bridge, vip], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    host.stdout.on("data", (chunk: Buffer) => (toHost += chunk.toString()));
    try {
      await eventually(30, () => Promise.resolve().then(bothHearTheDirector));
      // What was said before says nothing of the time during `work`.
      toRouter = toHost = "";
      await work();
      await new Promise((over) => setTimeout(over, AFTER));
    } finally {
      host.kill();
      await router.end();
    }
    bothHearTheDirector();
    const overheard = [...toRouter.matchAll(/^\S+ ([0-9a-f:]{17}) > .* ARP/gm)].map(([, mac = ""]) => mac);
    return named([...parseArping(toRouter), ...parseArping(toHost), ...overheard]);
  });
}
