/** The hosts of a lab, asked themselves: each runs scripts/host/vxlan.sh, which is sent to it. */
import { askEach } from "../lib/askEach";
import { readScript } from "../lib/scripts";
import { GuestShell, type Shell } from "../lib/ssh";
import { hostLogins, shellName } from "../model/lab/access";
import { sentCalls } from "../model/lab/tunnels";
import type { Lab, LibvirtHost } from "../model/lab/types";

export interface HostAnswer {
  readonly host: LibvirtHost;
  readonly ok: boolean;
  readonly stdout: string;
  /** Why not, in a line. */
  readonly fault: string;
}

/** @param use gets a shell that knows each other host by its name, and this one as `host` */
export async function withHosts<T>(lab: Lab, use: (shell: Shell) => Promise<T>): Promise<T> {
  const shell = new GuestShell({ privateKey: "", hosts: hostLogins(lab) }, lab);
  try {
    return await use(shell);
  } finally {
    await shell.close();
  }
}

/**
 * @param calls arguments of vxlan.sh for a host, a call each; the first that fails is the last
 * @param timeout seconds for a host's answer
 */
export function askHosts(
  hosts: readonly LibvirtHost[],
  shell: Shell,
  calls: (host: LibvirtHost) => readonly string[],
  timeout = 60,
): Promise<HostAnswer[]> {
  return askEach(hosts, async (host) => {
    const { code, stdout, stderr } = await shell.run(shellName(host), sentCalls(calls(host)), {
      stdin: readScript("host/vxlan.sh"),
      timeout,
    });
    const said = stderr.trim().split("\n").at(-1);
    return { host, ok: code === 0, stdout, fault: said || `no answer within ${timeout} s` };
  });
}
