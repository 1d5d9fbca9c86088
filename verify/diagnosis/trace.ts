/**
 * Where a packet is lost: a capture on the real server itself, while it is asked once more through the VIP. It says whether
 * the request arrives, whether the server's kernel takes it, and whether and to whom the reply leaves.
 */
import { endpoint } from "../../model/lab/address";
import { askedUrl, nicOn, type Lab, type LabNode, type VirtualService } from "../../model/lab/types";
import { Capture, parseCapture, type Frame } from "../checks/capture";
import type { CheckContext } from "../checks/check";
import type { Target } from "./scripts";
import { askScript, PORTS_EACH } from "../../health/requests";

/** Seconds for the request; long enough for a SYN to be repeated once. */
const REQUEST_LIMIT = 3;

export interface Trace {
  /** What a person would type on the real server. */
  readonly command: string;
  /** A request reached the real server's NIC. */
  readonly arrived: boolean;
  /** The kernel took it: a half-open connection was there, or it was answered. */
  readonly taken: boolean;
  /** MAC to which the reply left; absent when none left. */
  readonly replyTo?: string;
  /** Packets that its reverse path filter dropped meanwhile. */
  readonly filtered: number;
}

/** Bash for the real server: looks for a half-open connection of these ports while the request is under way. */
export function watchScript(vip: string, port: number, ports: readonly [number, number]): string {
  return `
filtered() {
  local names values i
  while read -r -a names && read -r -a values; do
    for i in "\${!names[@]}"; do
      [[ \${names[i]} != IPReversePathFilter ]] || echo "\${values[i]}"
    done
  done </proc/net/netstat
}
before=$(filtered) taken=no
deadline=$((SECONDS + ${REQUEST_LIMIT}))
while ((SECONDS < deadline)) && [[ $taken == no ]]; do
  while read -r _ _ _ peer _; do
    ((\${peer##*:} < ${ports[0]} || \${peer##*:} > ${ports[1]})) || taken=yes
  done < <(ss -Htn state syn-recv src '${endpoint(vip)}' sport = :${port})
  sleep 0.2
done
echo "taken $taken"
echo "filtered $(($(filtered) - before))"
`;
}

/**
 * @param frames of the request's ports, as the real server's NIC saw them
 * @param said what watchScript printed
 */
export function traceOf(
  lab: Lab,
  node: LabNode,
  service: Pick<VirtualService, "vip">,
  frames: readonly Frame[],
  said: string,
): Omit<Trace, "command"> {
  const { mac } = nicOn(node, "server");
  const arrived = frames.some(({ to, toMac }) => to === service.vip && toMac === mac);
  const reply = frames.find(({ from, fromMac }) => from === service.vip && fromMac === mac);
  return {
    arrived,
    taken: reply !== undefined || /^taken yes$/m.test(said),
    ...(reply === undefined ? {} : { replyTo: reply.toMac }),
    filtered: Number(/^filtered (\d+)$/m.exec(said)?.[1] ?? 0),
  };
}

/** Asks once more for the VIP through one real server, from the router or the client, and watches on that server. */
export async function trace(
  { lab, shell }: CheckContext,
  service: VirtualService,
  node: LabNode,
  target: Target,
  from: "router" | "client",
): Promise<Trace> {
  const first = from === "router" ? target.routerPort : target.clientPort;
  const last = first + PORTS_EACH - 1;
  const filter = `tcp and host ${service.vip} and portrange ${first}-${last}`;
  const capture = new Capture(shell, node.name, nicOn(node, "server").device, filter);
  await capture.start();
  const [said] = await Promise.all([
    shell.run(node.name, "bash -s", {
      stdin: watchScript(service.vip, service.port, [first, last]),
      timeout: 20,
    }),
    shell.run((from === "router" ? lab.routers[0] : lab.clients[0]).name, "bash -s", {
      stdin: askScript([{ url: askedUrl(service), port: first }], REQUEST_LIMIT),
      timeout: 20,
    }),
  ]);
  const { frames } = parseCapture(await capture.stop(0));
  return { command: capture.command, ...traceOf(lab, node, service, frames, said.stdout) };
}
