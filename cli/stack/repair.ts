/**
 * What neither engine sees by itself: no provider re-reads whether a thing of libvirt's runs, and a remote command knows
 * nothing of what a person changed in the guest. `scripts/lab up` puts these right before it applies the program.
 */
import { askHosts, withHosts } from "../../health/hosts";
import { readScript } from "../../lib/scripts";
import { guestPayload } from "../../model/guest/payload";
import { longestRun } from "../../model/guest/settings";
import { parseGuestStatus } from "../../model/guest/status";
import { INSTALL_AND_START, isPayloadGone, PAYLOAD } from "../../model/guest/script";
import { hasTunnels, joinCalls } from "../../model/lab/tunnels";
import { labNodes, type Lab } from "../../model/lab/types";
import type { Shell } from "../../lib/ssh";
import { askEach } from "../../lib/askEach";
import type { StackNames, Virsh } from "./virsh";

/**
 * Starts what was stopped, resumes what was paused; says each in a line. Absent objects are the engine's to create.
 * @param domains the stack's own, with their states
 */
export async function repairLibvirt(
  virsh: Virsh,
  stack: StackNames,
  domains: ReadonlyMap<string, string>,
  say: (line: string) => void,
): Promise<void> {
  for (const pool of await virsh.pools(stack, "--inactive")) {
    say(`pool ${pool} was inactive: starting it`);
    await virsh.run("pool-start", pool, "--build");
  }
  const networks = await virsh.networks(stack, "--inactive");
  for (const network of networks) {
    say(`network ${network} was inactive: starting it`);
    await virsh.run("net-start", network);
  }
  const running = networks.length > 0 ? [...domains].filter(([, state]) => state === "running") : [];
  await Promise.all(running.map(([domain]) => reconnect(domain).catch((error: Error) => say(error.message))));
  for (const [domain, state] of domains) {
    if (state === "paused" || state === "pmsuspended") {
      say(`domain ${domain} was ${state}: resuming it`);
      await virsh.run(state === "paused" ? "resume" : "dompmwakeup", domain);
    } else if (state === "shut off" || state === "crashed") {
      say(`domain ${domain} was ${state}: starting it`);
      // A disk that went with the domain's files is the engine's to make anew.
      await virsh.run("start", domain).catch((error: Error) => say(error.message));
    }
  }

  /** A running guest's interface was on the stopped network's bridge: the new one has it only after a restart. */
  async function reconnect(domain: string): Promise<void> {
    const lost = (await virsh.networksOf(domain)).find((network) => networks.includes(network));
    if (lost === undefined) return;
    say(`domain ${domain} was cut off from network ${lost}: restarting it`);
    await virsh.shutDown(domain);
    await virsh.run("start", domain);
  }
}

/**
 * Runs each guest's own script again where it says that something differs from its configuration, and puts it back where it is gone: neither
 * engine can know that. Silent guests are left alone.
 */
export async function repairGuests(shell: Shell, lab: Lab, say: (line: string) => void): Promise<void> {
  await askEach(labNodes(lab), async (node) => {
    const { name } = node;
    const { code, stdout } = await shell.run(name, `${PAYLOAD} status`, { timeout: 30 });
    const gone = isPayloadGone(code);
    if (code !== 1 && !gone) return;
    if (gone) say(`${name}: ${PAYLOAD} is missing: installing it again`);
    for (const { text } of parseGuestStatus(name, stdout).problems) say(`${text}: repairing it`);
    const limit = longestRun(lab);
    const { code: started, stderr } = await (gone
      ? shell.run(name, INSTALL_AND_START, {
          stdin: guestPayload(lab, node, readScript),
          timeout: limit + 20,
        })
      : shell.run(name, `timeout -k 10 ${limit} ${PAYLOAD} start`, { timeout: limit + 20 }));
    if (started !== 0) say(`${name}: could not be repaired: ${stderr.split("\n").at(-1) ?? ""}`);
  });
}

/** Joins the hosts again where their VXLAN devices are gone, after a boot perhaps: no provider looks at what a command has made. */
export async function repairTunnels(
  lab: Lab,
  present: readonly { readonly name: string }[],
  say: (line: string) => void,
): Promise<void> {
  if (!hasTunnels(lab)) return;
  const hosts = lab.hosts.filter(({ name }) => present.some((each) => each.name === name));
  const answers = await withHosts(lab, (shell) => askHosts(hosts, shell, (host) => joinCalls(lab, host)));
  for (const { host, ok, stdout, fault } of answers) {
    for (const line of stdout.split("\n").filter(Boolean)) say(`${host.name}: ${line}`);
    if (!ok) say(`${host.name}: its VXLAN devices could not be looked at: ${fault}`);
  }
}
