/** Who says on the server segment that it has a VIP, over a time: asked each second from the router, and of IPv4 from the host. */
import { spawn } from "node:child_process";
import { expect } from "vitest";
import { familyOf } from "../../model/lab/address";
import { nicOn } from "../../model/lab/types";
import { parseArping, whoHas } from "../../health/arping";
import { macOwner } from "../../verify/checks/arp";
import { shellQuote } from "../../lib/text";
import { Stream } from "../../drills/stream";
import { eventually, inGuests, STACK } from "./support";

/** Milliseconds that the asking goes on after `work` is over. */
const AFTER = 3000;

/** Of tcpdump: a claim to have the VIP, whoever asked. */
const claim = (vip: string): { filter: string; line: RegExp } =>
  familyOf(vip) === 4
    ? { filter: `arp and src host ${vip}`, line: /^\S+ ([0-9a-f:]{17}) > .* ARP/gm }
    : {
        filter: "icmp6 and ip6[40] == 136",
        line: new RegExp(`^\\S+ ([0-9a-f:]{17}) > .* neighbor advertisement, tgt is ${vip},`, "gm"),
      };

/**
 * Every "NODE MAC" that claimed the VIP during `work`: in answers to the router and to the host, and in whatever the router overheard.
 * Fails where the director did not answer both: who hears nothing proves nothing.
 * @param on name of the service whose VIP it is
 */
export async function claimants(work: () => Promise<unknown>, on = "main", stack = STACK): Promise<string[]> {
  return inGuests(async (shell, lab) => {
    const vip = lab.services.find(({ name }) => name === on)?.vip ?? "";
    const { filter, line } = claim(vip);
    const { device } = nicOn(lab.routers[0], "server");
    const { bridge, hostAddress } = lab.segments.server;
    // With its neighbour cache flushed each time; a permanent entry, as strategy static has one, stays.
    const ask =
      `tcpdump -lnne -i ${device} '${filter}' 2>/dev/null & heard=$!; ` +
      `while read -t 1 -r _; (($? > 128)); do ip neigh flush to ${vip} dev ${device}; ${whoHas(vip, device, 2)}; done; ` +
      "kill $heard";
    let toRouter = "";
    let toHost = "";
    const director = expect.stringMatching(/^director /) as string;
    const named = (macs: readonly string[]): string[] =>
      [...new Set(macs)].map((mac) => macOwner(lab, mac)).sort();
    // The host has no address of IPv6 there to ask from.
    const texts = (): string[] => (familyOf(vip) === 4 ? [toRouter, toHost] : [toRouter]);
    const allHearTheDirector = (): void => {
      for (const text of texts())
        expect(named(parseArping(text))).toEqual(expect.arrayContaining([director]));
    };
    const router = new Stream(
      shell,
      lab.routers[0].name,
      `bash -c ${shellQuote(ask)}`,
      (said) => (toRouter += `${said}\n`),
    );
    const asksToo =
      familyOf(vip) === 4
        ? spawn("arping", ["-b", "-s", hostAddress, "-I", bridge, vip], {
            stdio: ["ignore", "pipe", "inherit"],
          })
        : undefined;
    asksToo?.stdout.on("data", (chunk: Buffer) => (toHost += chunk.toString()));
    try {
      await eventually(30, () => Promise.resolve().then(allHearTheDirector));
      // What was said before says nothing of the time during `work`.
      toRouter = toHost = "";
      await work();
      await new Promise((over) => setTimeout(over, AFTER));
    } finally {
      asksToo?.kill();
      await router.end();
    }
    allHearTheDirector();
    const overheard = [...toRouter.matchAll(line)].map(([, mac = ""]) => mac);
    return named([...texts().flatMap(parseArping), ...overheard]);
  }, stack);
}
