/** Strategies, modes, draining and reboots: every change by `up`, every effect seen in the guests. */
import { afterAll, expect, it } from "vitest";
import { DRILL_LIMITS } from "../../model/config/schemaDrills";
import { shellQuote } from "../../lib/text";
import { claimants } from "./arpWatch";
import { whileDownloading } from "./download";
import { underLoad } from "./load";
import { backToDefaults, configure, eventually, guest, health, lab, outputs, reboot, run } from "./support";

/** What drills promise, stretched as for the slowest host without KVM. */
const RESTART_SECONDS = 5 * DRILL_LIMITS.restartSeconds;

const TWO = [
  { name: "rs1", weight: 1 },
  { name: "rs2", weight: 3 },
];

afterAll(backToDefaults);

/** With this strategy only the director answers for the VIP, on the wire, also while a real server boots and another's rules change. */
async function onlyTheDirectorAnswers(strategy: string): Promise<void> {
  configure({ arpStrategy: strategy });
  const up = await lab(["up"]);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  // On the wire, and while a real server boots: the way it keeps quiet must be in force before its VIP is.
  // And while its rules are made anew, which a stale one brings about.
  const stale = strategy === "sysctl" ? "true" : "arptables -A LVS-DR-IN -d 10.0.0.109 -j DROP";
  const heard = await claimants(async () => {
    await reboot(["rs1"]);
    await guest("rs2", `for i in 1 2 3; do ${stale}; /usr/local/sbin/lvs-dr start || exit; done`);
  });
  console.log(
    `arpStrategy ${strategy}: over a reboot of rs1 and changes of rs2 the VIP was claimed by ${heard.join(", ")}`,
  );
  expect(heard).toEqual([expect.stringMatching(/^director /)]);
  // Nothing of another strategy is left, and this one is there: in one that has booted since, and in one that has not.
  for (const server of ["rs1", "rs2"]) {
    const chains = await guest(server, "arptables -n -L 2>/dev/null || true");
    const ignore = (await guest(server, "cat /proc/sys/net/ipv4/conf/all/arp_ignore")).trim();
    expect(chains.includes("LVS-DR-IN"), server).toBe(strategy !== "sysctl");
    expect(chains).not.toContain("10.0.0.109");
    expect(ignore, server).toBe(strategy === "sysctl" ? "1" : "0");
  }
  const bound = (await guest("router", "ip neigh show nud permanent")).trim();
  expect(bound !== "").toBe(strategy === "static");
}

it.each(["arptables", "static"])(
  "arpStrategy %s: only the director answers for the VIP",
  onlyTheDirectorAnswers,
);

it("director, router and a real server reboot: everything is back by itself, the router's entry for the VIP too", async () => {
  await reboot(["director", "router", "rs1"]);
  expect((await outputs()).vip).toBe("10.0.0.100");
  expect(await guest("router", "ip neigh show nud permanent")).toMatch(/^10\.0\.0\.100 /m);
});

it("arpStrategy sysctl, which nothing of the others is left in: only the director answers for the VIP", () =>
  onlyTheDirectorAnswers("sysctl"));

it("director.mode static and back: live connections stay", async () => {
  await whileDownloading(() =>
    underLoad("mode static and back", async () => {
      configure({ director: { mode: "static" } });
      const up = await lab(["up"]);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      const daemon = await guest("director", "systemctl is-active lvs-dr-ldirectord || true");
      expect(daemon.trim()).toBe("inactive");
      configure();
      await lab(["up"]);
    }),
  );
  expect((await guest("director", "systemctl is-active lvs-dr-ldirectord")).trim()).toBe("active");
});

it("a drained real server keeps its connections, gets no new one, and is reported as drained", async () => {
  await whileDownloading(async () => {
    // Whichever server the download meets is the one that is drained.
    const busy = await eventually(20, async () => {
      const { services } = await health();
      const found = services[0]?.realServers.find(({ activeConnections }) => activeConnections > 0);
      expect(found).toBeDefined();
      return found?.name ?? "";
    });
    configure({ realServers: TWO.map((server) => ({ ...server, drain: server.name === busy })) });
    const drain = await underLoad("a drain", () => lab(["up"]));
    // Until the drain, at the latest when that `up` ended, it had its share.
    expect(Object.keys(drain.log.answeredBy)).toContain(busy);
    const drained = await health();
    expect(drained.services[0]?.realServers.find(({ name }) => name === busy)).toMatchObject({
      state: "drained",
      weight: 0,
    });
    const reload = await underLoad("an unrelated reload while one is drained", () =>
      guest("director", "systemctl reload lvs-dr-ldirectord; sleep 3"),
    );
    expect(Object.keys(reload.log.answeredBy)).not.toContain(busy);
    configure();
    await underLoad("a drain that ends", () => lab(["up"]));
  });
});

it("a table that does not become the expected one fails the up, which says how it differs; the old one serves on", async () => {
  const dropIn = "/run/systemd/system/lvs-dr-ldirectord.service.d";
  const deaf = "printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n'";
  await guest("director", `mkdir -p ${dropIn} && ${deaf} >${dropIn}/deaf.conf && systemctl daemon-reload`);
  configure({ realServers: [TWO[0], { name: "rs2", weight: 5 }] });
  try {
    await underLoad("a reload that never comes", async () => {
      const { code, stderr } = await run(["up"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/the kernel's table is not as expected: rs2 .*: weight 3 in service tcp /);
      expect(stderr).toContain("director: the former configuration is in force again");
    });
    // All of it, also for the next boot.
    expect(await guest("director", "/usr/local/sbin/lvs-dr status")).not.toContain("problem=");
    const files = "/etc/lvs-dr/ipvs.rules /etc/ha.d/ldirectord.cf /usr/local/sbin/lvs-dr";
    expect(await guest("director", `grep -lE 'gate 5|-w 5' ${files} || true`)).toBe("");
  } finally {
    await guest("director", `rm -r ${dropIn} && systemctl daemon-reload`);
  }
  const up = await lab(["up"]);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  expect(await guest("director", "ipvsadm -Sn")).toContain("-g -w 5");
});

it("ldirectord killed, restarted, or given bad files by hand: the old configuration serves, and is looked after", async () => {
  const cf = "/etc/ha.d/ldirectord.cf";
  const unit = "lvs-dr-ldirectord";
  const script = `
    cp -p ${cf} /run/good.cf
    trap 'cat /run/good.cf >${cf}' EXIT
    before=$(ipvsadm -Sn)
    was=$(systemctl show -P MainPID ${unit})
    systemctl kill --kill-whom=all -s KILL ${unit}
    for ((i = 0; i < ${RESTART_SECONDS * 5}; i++)); do
      is=$(systemctl show -P MainPID ${unit})
      [[ $is == 0 || $is == "$was" ]] || break
      sleep 0.2
    done
    systemctl is-active ${unit}
    systemctl restart ${unit}
    # Until it has read its file: what is put there before that is what it starts with.
    for ((i = 0; i < 150; i++)); do pgrep -f '^ldirectord tcp:' >/dev/null && break; sleep 0.2; done
    for bad in '1i frobnicate=yes' 's/ gate .*/ gate 70000/' 's/scheduler=wrr/scheduler=none/' d; do
      sed "$bad" /run/good.cf >${cf}
      ! systemctl reload ${unit} 2>/dev/null || { echo "accepted: $bad"; exit 1; }
    done
    cat /run/good.cf >${cf}
    systemctl reload ${unit}
    sleep 2
    [[ $(ipvsadm -Sn) == "$before" ]] || { echo "the table has changed"; exit 1; }`;
  const { result } = await underLoad("ldirectord killed, restarted and given bad files", () =>
    guest("director", `bash -ec ${shellQuote(script)}`),
  );
  expect(result.trim()).toBe("active");
  await guest("rs1", "systemctl stop nginx");
  try {
    await eventually(30, async () => expect((await health()).status).toBe("degraded"));
  } finally {
    await guest("rs1", "systemctl start nginx");
  }
  await eventually(30, async () => expect((await health()).status).toBe("healthy"));
});

it("a real server that answers ARP is heard, and named", async () => {
  const leak = "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.lo.arp_ignore=0";
  const heard = await claimants(() => guest("rs2", leak));
  await guest("rs2", "/usr/local/sbin/lvs-dr start");
  expect(heard).toEqual([expect.stringMatching(/^director /), expect.stringMatching(/^rs2 /)]);
});
