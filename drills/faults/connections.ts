/** Faults that single connections feel: a client that vanishes, reused ports, a narrow path, restarted network services. */
import { endpoint, hostPrefix } from "../../model/lab/address";
import { shellQuote } from "../../lib/text";
import { anyCertificate } from "../../health/requests";
import { nicOn, serviceUrl } from "../../model/lab/types";
import { isClientOnSegment } from "../../model/lab/lastHop";
import { needsTwoServers, on, sabotageBy, START, theClient, theDirector } from "../actions";
import type { DrillRun } from "../drillRun";
import { perl } from "../stream";
import type { Drill } from "../drill";
import { NOTHING_LOST } from "../ejection";

const UNCUT = "nft delete table inet lvsdr_drill 2>/dev/null || true";
/** What the kernel's timeouts were. */
const TIMEOUTS = "/run/lvs-dr-drill-timeouts";

/** What a command prints, by lines and words. */
function rowsOf(text: string): string[][] {
  const lines = text.trim().split("\n");
  return lines.map((line) => line.split(" "));
}

/** Seconds left for the client's connection from a port, and its state; from `ipvsadm -Lnc`. */
async function entry(run: DrillRun, port: string): Promise<{ seconds: number; state: string } | undefined> {
  const from = endpoint(run.inFamily(run.lab.clients[0]), Number(port));
  const text = await run.ask(run.director.name, `ipvsadm -Lnc | grep ' ${from} ' || true`);
  const match = /^\S+\s+(\d+):(\d+)\s+(\S+)/.exec(text.trim());
  return match ? { seconds: Number(match[1]) * 60 + Number(match[2]), state: match[3] ?? "" } : undefined;
}

const clientVanishes: Drill = {
  name: "client-vanishes",
  takes: ["client"],
  cuts: ({ lab }) => lab.clients,
  description: "A client vanishes with a connection open: the director forgets it within 300 s",
  maxSeconds: 60,
  async act(run) {
    const {
      clients: [client],
      services,
    } = run.lab;
    const lines: string[] = [];
    const flow = await run.program(
      client.name,
      perl("flow", serviceUrl(services[0]), run.target.name, 0.5, 60),
      (_, line) => lines.push(line),
    );
    await run.until("a connection is open", () => lines.includes("answer"), 20);
    const local = lines.find((line) => line.startsWith("pinned"))?.split(" ")[1] ?? "";
    const cut = `table inet lvsdr_drill { chain output { type filter hook output priority -10; tcp sport ${local} drop; }; chain input { type filter hook input priority -10; tcp dport ${local} drop; }; }`;
    await run.act(`the client's port ${local} goes silent`, client.name, `nft '${cut}'`);
    const first = await entry(run, local);
    await run.sleep(10);
    const second = await entry(run, local);
    run.event(
      `its entry: ${first?.state ?? "gone"}, ${first?.seconds ?? 0} s left; 10 s later ${second?.seconds ?? 0} s`,
    );
    // What is left is what it takes: only packets of that connection would wind the timer up again.
    run.figure("forgottenAfterSeconds", first?.seconds ?? null, {
      max: Math.max(run.promises.entrySeconds, run.lab.ipvsTimeouts?.tcp ?? 0),
    });
    run.expect((second?.seconds ?? 0) < (first?.seconds ?? 0), "the entry's time does not run down");
    flow.kill();
    return NOTHING_LOST;
  },
  restore: on(theClient, UNCUT),
  sabotage: sabotageBy(
    "the kernel's timeout for established connections is the longest it takes",
    ["forgottenAfterSeconds"],
    theDirector,
    [
      "ipvsadm --set 2678400",
      `[[ -e ${TIMEOUTS} ]] || ipvsadm -L --timeout >${TIMEOUTS}; ipvsadm --set 2678400 0 0`,
    ],
    on(
      theDirector,
      `[[ ! -e ${TIMEOUTS} ]] || { ipvsadm --set $(sed 's/.*: //' ${TIMEOUTS}); rm ${TIMEOUTS}; }`,
    ),
  ),
};

const ROUNDS = 20;
/** Connects from one and the same port over and over; the server closes first, so that the port is free at once. */
const REUSE = `
use strict; use warnings; use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6); use Errno; use Time::HiRes qw(time);
my ($address, $port, $local, $rounds) = @ARGV;
my $six = $address =~ /:/;
my ($from, $to) = $six
  ? (pack_sockaddr_in6($local, inet_pton(AF_INET6, '::')), pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)))
  : (sockaddr_in($local, INADDR_ANY), sockaddr_in($port, inet_aton($address)));
my $held = 0;
for (1 .. $rounds) {
  my ($begun, $answer) = (time, '');
  socket(my $s, $six ? PF_INET6 : PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($s, $from) or do { print time, " bind: $!\\n"; next };
  my $ok = connect($s, $to);
  # The client's own kernel still waits for the last connection's final ACK: nothing has been sent.
  if (!$ok && $!{EADDRNOTAVAIL} && $held++ < 500) { close $s; select undef, undef, undef, 0.02; redo }
  printf "%.4f %s\\n", time, $ok ? sprintf('ok %.1f', (time - $begun) * 1000) : "connect: $!";
  if ($ok) { syswrite $s, "GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"; 1 while sysread $s, $answer, 4096 }
  close $s;
}`;

const portReuse: Drill = {
  name: "source-port-reuse",
  takes: ["client"],
  description: "A client connects from the same port over and over: each time within 1 s",
  maxSeconds: 80,
  async act(run) {
    const {
      clients: [client],
      services,
    } = run.lab;
    const [{ vip, port }] = services;
    const local = 20000 + Math.floor(Math.random() * 5000);
    run.event(`${ROUNDS} connections from port ${local}`);
    const reuse = `perl -e ${shellQuote(REUSE)} ${vip} ${port} ${local} ${ROUNDS}`;
    const rows = rowsOf(await run.ask(client.name, reuse, { timeout: 300 }));
    const refused = rows.filter(([, word]) => word !== "ok");
    if (refused[0] !== undefined)
      run.event(`not connected ${refused.length} times, first: ${refused[0].slice(1).join(" ")}`);
    const connects = rows.flatMap(([, word, ms]) => (word === "ok" ? [Number(ms)] : []));
    run.figure("connected", connects.length, { min: ROUNDS });
    run.figure("worstConnectMs", connects.length === 0 ? null : Math.max(...connects), {
      // Not scaled: what it is about, a SYN sent again, costs a second on any host.
      max: run.promises.worstConnectMs,
    });
    return NOTHING_LOST;
  },
  restore: on(theClient, UNCUT),
  sabotage: sabotageBy(
    "a stale connection entry swallows the first SYN, as conn_reuse_mode did before Linux 5.15: it is dropped here",
    ["worstConnectMs"],
    theClient,
    [
      "each connection's first SYN is dropped",
      "nft 'table inet lvsdr_drill { set seen { type inet_service; flags dynamic,timeout; timeout 2s; }; " +
        "chain output { type filter hook output priority -10; tcp flags syn tcp sport 20000-25000 tcp sport != @seen add @seen { tcp sport } drop; }; }'",
    ],
    on(theClient, UNCUT),
  ),
};

const BYTES = 1_048_576;
const FILE = "/srv/lvs-dr/drill-mtu.bin";
/** What a kernel has learned of narrow paths. */
const FORGET_PATHS = "ip -4 route flush cache; ip -6 route flush cache";

const pathMtu: Drill = {
  name: "path-mtu",
  takes: ["router"],
  description: "The path to the client narrows to MTU 1280: 1 MB still arrives",
  maxSeconds: 120,
  unfit: (run) =>
    isClientOnSegment(run.lab)
      ? "the client is on the server segment: no router is on its path"
      : needsTwoServers(run),
  async act(run) {
    const {
      clients: [client],
      routers: [router],
      services,
      realServers,
    } = run.lab;
    const create = `head -c ${BYTES} /dev/urandom >${FILE}; ${FORGET_PATHS}`;
    await Promise.all(realServers.map(({ name }) => run.ask(name, create)));
    const url = serviceUrl(services[0]);
    const narrow = `ip link set ${nicOn(router, "client").device} mtu 1280`;
    await run.act("the router's way to the client narrows to 1280", router.name, narrow);
    const text = await run.ask(
      client.name,
      `for i in 1 2 3 4; do curl -s${anyCertificate(url)} -o /dev/null --max-time ${Math.ceil(6 * run.scale)} -H 'Connection: close' ` +
        `-w '%{size_download} %{time_total} %header{x-real-server}\\n' ${url}drill-mtu.bin || true; done`,
      { timeout: 100 * Math.ceil(run.scale) },
    );
    const downloads = rowsOf(text);
    const whole = downloads.filter(([size]) => Number(size) === BYTES);
    run.event(
      `downloads: ${downloads.map(([size, seconds, who]) => `${size} bytes from ${who} in ${seconds} s`).join(", ")}`,
    );
    run.figure("arrived", whole.length, { min: 4 });
    run.duration(
      "worstDownloadSeconds",
      Math.max(...downloads.map(([, seconds]) => Number(seconds))),
      run.promises.downloadSeconds,
    );
    return NOTHING_LOST;
  },
  restore: async ({ lab, shell }) => {
    const {
      realServers,
      segments,
      routers: [router],
    } = lab;
    const widen = `ip link set ${nicOn(router, "client").device} mtu ${segments.client.mtu}`;
    await Promise.all([
      shell.check(router.name, widen),
      ...realServers.map(({ name }) => shell.check(name, `rm -f ${FILE}; ${FORGET_PATHS}`)),
    ]);
  },
  sabotage: sabotageBy(
    "the director drops ICMP, as a firewall without care does: real servers never learn of the narrow path",
    ["arrived"],
    theDirector,
    [
      "the director drops ICMP errors",
      "nft 'table inet lvsdr_drill { chain pre { type filter hook prerouting priority -300; icmp type destination-unreachable drop; icmpv6 type packet-too-big drop; }; }'",
    ],
    on(theDirector, UNCUT),
  ),
};

async function restoreNetworks({ director, lab, shell }: DrillRun): Promise<void> {
  const command = `systemctl stop nftables; ${START}`;
  const nodes = [director, ...lab.realServers];
  await Promise.all(nodes.map(({ name }) => shell.check(name, command, { timeout: 180 })));
}

const networkRestart: Drill = {
  name: "network-restart",
  takes: ["guests"],
  description: "systemd-networkd and nftables are restarted on director and real servers: VIPs stay, 0 lost",
  maxSeconds: 80,
  async act(run) {
    const [{ vip }] = run.lab.services;
    const nodes = [run.director, ...run.lab.realServers];
    const command = "systemctl restart systemd-networkd nftables";
    for (const { name } of nodes)
      await run.act(`${name}: networkd and nftables are restarted`, name, command);
    await run.sleep(5);
    const count = `ip -o addr | grep -c ' ${hostPrefix(vip)} ' || true`;
    const counts = await Promise.all(nodes.map(({ name }) => run.ask(name, count)));
    run.figure("vipsInPlace", counts.filter((each) => each.trim() === "1").length, { min: nodes.length });
    return NOTHING_LOST;
  },
  restore: restoreNetworks,
  sabotage: sabotageBy(
    "networkd is not told of the director's VIP, nor to keep what others have configured",
    ["vipsInPlace"],
    theDirector,
    [
      "networkd knows nothing of the VIP",
      "for d in /etc/systemd/network/*.network.d; do rm -f $d/lvs-dr-vip.conf; " +
        "printf '[Network]\\nKeepConfiguration=no\\n' >$d/zz-drill.conf; done",
    ],
    async (run) => {
      await on(theDirector, "rm -f /etc/systemd/network/*.network.d/zz-drill.conf")(run);
      await restoreNetworks(run);
      await on(theDirector, "systemctl restart systemd-networkd")(run);
    },
  ),
};

export const connectionDrills: readonly Drill[] = [clientVanishes, portReuse, pathMtu, networkRestart];
