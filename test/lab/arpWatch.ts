/** Who says on the server segment that it has the VIP, over a time: asked each second from the router and from the host. */
import { spawn } from "node:child_process";
import { ARPING, macOwner, parseArping } from "../../verify/checks/arp";
import { DrillRun } from "../../verify/drill/drillRun";
import { Stream } from "../../verify/drill/stream";
import { eventually, inGuests } from "./support";

/** Milliseconds that the asking goes on after `work` is over. */
const AFTER = 3000;

/** Every "NODE MAC" that claimed the VIP during `work`: in answers to the router and to the host, and in whatever the router overheard. */
export async function claimants(work: () => Promise<unknown>): Promise<string[]> {
  return inGuests(async (shell, lab) => {
    const [{ vip }] = lab.services;
    const device = lab.router.nics.find(({ network }) => network === "server")?.device ?? "";
    const { bridge, hostAddress } = lab.networks.server;
    // With its neighbour cache flushed each time; a permanent entry, as strategy static has one, stays.
    const ask =
      `tcpdump -lnne -i ${device} 'arp and src host ${vip}' 2>/dev/null & heard=$!; ` +
      `while read -t 1 -r _; (($? > 128)); do ip neigh flush to ${vip} dev ${device}; ${ARPING} -I ${device} ${vip}; done; ` +
      "kill $heard";
    let text = "";
    let answers = 0;
    const router = new Stream(shell, lab.router.name, DrillRun.bash(ask), (line) => {
      text += `${line}\n`;
      answers++;
    });
    const host = spawn("arping", ["-b", "-s", hostAddress, "-I", bridge, vip], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    host.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    try {
      await eventually(30, () =>
        answers > 4 ? Promise.resolve() : Promise.reject(new Error("nobody asks")),
      );
      await work();
      await new Promise((over) => setTimeout(over, AFTER));
    } finally {
      host.kill();
      await router.end();
    }
    const overheard = [...text.matchAll(/^\S+ ([0-9a-f:]{17}) > .* ARP/gm)].map(([, mac = ""]) => mac);
    return [...new Set([...parseArping(text), ...overheard])].map((mac) => macOwner(lab, mac)).sort();
  });
}
