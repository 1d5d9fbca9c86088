/** Strategies, modes, draining and reboots: every change by `up`, every effect seen in the guests. */
import { afterAll, expect, it } from "vitest";
import type { Health } from "../../model/health";
import { shellQuote } from "../../model/payload";
import type { VerifyReport } from "../../verify/verify";
import { claimants } from "./arpWatch";
import { whileDownloading } from "./download";
import { underLoad } from "./load";
import { boots, configure, eventually, guest, inGuests, lab, outputs, run } from "./support";

const TWO = [
  { name: "rs1", weight: 1 },
  { name: "rs2", weight: 3 },
];

async function health(): Promise<Health> {
  return JSON.parse((await run(["status", "--json"])).stdout) as Health;
}

/** Until all of the lab is as it should be again, without an `up`. */
async function reboot(nodes: readonly string[]): Promise<void> {
  const before = await boots();
  await inGuests((shell) =>
    Promise.all(
      nodes.map((node) => shell.run(node, "systemctl reboot --no-block; sleep 1", { timeout: 15 })),
    ),
  );
  await eventually(180, async () => {
    const { code, stdout } = await run(["status", "--json"]);
    expect([code, (JSON.parse(stdout) as Health).problems]).toEqual([0, []]);
    const now = await boots();
    for (const node of nodes) expect(now[node], `${node} has not booted`).not.toBe(before[node]);
  });
}

afterAll(async () => {
  configure();
  await lab(["up"]);
});

it.each(["arptables", "static", "sysctl"])(
  "arpStrategy %s: only the director answers for the VIP",
  async (strategy) => {
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
    expect(await guest("rs2", "arptables -n -L 2>/dev/null || true")).not.toContain("10.0.0.109");
    expect(heard).toEqual([expect.stringMatching(/^director /)]);
    // Nothing of another strategy is left, and this one is there.
    const chains = await guest("rs1", "arptables -n -L 2>/dev/null || true");
    const ignore = (await guest("rs1", "cat /proc/sys/net/ipv4/conf/all/arp_ignore")).trim();
    const bound = (await guest("router", "ip neigh show nud permanent")).trim();
    expect(chains.includes("LVS-DR-IN")).toBe(strategy !== "sysctl");
    expect(ignore).toBe(strategy === "sysctl" ? "1" : "0");
    expect(bound !== "").toBe(strategy === "static");
  },
);

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

it("a table that does not become what is meant fails the up, which says how it differs; the old one serves on", async () => {
  const dropIn = "/run/systemd/system/lvs-dr-ldirectord.service.d";
  const deaf = "printf '[Service]\\nExecReload=\\nExecReload=/bin/true\\n'";
  await guest("director", `mkdir -p ${dropIn} && ${deaf} >${dropIn}/deaf.conf && systemctl daemon-reload`);
  configure({ realServers: [TWO[0], { name: "rs2", weight: 5 }] });
  try {
    await underLoad("a reload that never comes", async () => {
      const { code, stderr } = await run(["up"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/the kernel's table is not what was meant: real server not meant so: .* -w 3/);
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
    systemctl kill --kill-whom=all -s KILL ${unit}
    sleep 3
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

it("a drain by weight 0, a sorry page of one's own, and a UDP service with a flag", async () => {
  const dns = {
    ...{ name: "dns", port: 53, protocol: "udp", ops: true },
    ...{ scheduler: "sh", schedulerFlags: ["sh-port"], realServers: [{ name: "rs1" }] },
  };
  configure({
    realServers: [TWO[0], { name: "rs2", weight: 0 }],
    sorryServer: { page: "back soon" },
    services: [dns],
  });
  await underLoad("a drain by weight 0", () => lab(["up"]));
  const { problems, services } = await health();
  expect(problems).toEqual([]);
  expect(services[0]?.realServers.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "rs1 up",
    "rs2 drained",
  ]);
  const table = await guest("director", "ipvsadm -Sn; curl -s http://127.0.0.1/");
  expect(table).toMatch(/^-A -u 10\.0\.0\.100:53 -s sh -o -b (sh-port|flag-2)$/m);
  expect(table).toMatch(/^-a -t 10\.0\.0\.100:80 -r \S+ -g -w 0$/m);
  expect(table).toMatch(/^back soon$/m);
});

it("services on several VIPs and ports, each with its scheduler", async () => {
  // mh-port: else all of the one client's connections would go to one server.
  const alt = { name: "alt", port: 8080, scheduler: "mh", schedulerFlags: ["mh-fallback", "mh-port"] };
  const other = {
    name: "other",
    vip: "10.0.0.101",
    port: 80,
    scheduler: "rr",
    realServers: [{ name: "rs2" }],
  };
  configure({ services: [{ name: "main" }, alt, other] });
  const up = await lab(["up"]);
  const { health: seen } = JSON.parse(up.stdout) as { health: Health };
  expect(seen.problems).toEqual([]);
  expect(
    seen.services.map(({ realServers }) => realServers.map(({ name, state }) => `${name} ${state}`)),
  ).toEqual([["rs1 up", "rs2 up"], ["rs1 up", "rs2 up"], ["rs2 up"]]);
  const pages = await guest(
    "client",
    "curl -s http://10.0.0.101/ http://10.0.0.101/ http://10.0.0.100:8080/",
  );
  expect(pages).toMatch(/^(<h1>rs2<\/h1>\n){2}<h1>rs[12]<\/h1>\n$/);
  const report = JSON.parse((await run(["verify", "--json"])).stdout) as VerifyReport;
  expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);

  // The real servers are changed before the director: until it has drained, they serve what leaves.
  configure({ services: [{ name: "main" }, { ...alt, realServers: [{ name: "rs2" }] }] });
  const left = await underLoad("a real server leaves a second service", () => lab(["up"]), "alt");
  expect(Object.keys(left.log.answeredBy).sort()).toEqual(["rs1", "rs2"]);
  configure();
  await underLoad("services taken away", () => lab(["up"]));
  expect(await guest("director", "ip -4 -o addr; ipvsadm -Sn")).not.toMatch(/10\.0\.0\.101|:8080/);
});

it("persistence: one client sticks to one server, and moves at once when that one dies", async () => {
  configure({ persistent: 600 });
  await lab(["up"]);
  /** Who answers `count` requests, each on a connection of its own: one server. */
  const who = async (count: number): Promise<string> => {
    const pages = await guest(
      "client",
      `curl -s --max-time 5 -H 'Connection: close' ${"http://10.0.0.100/ ".repeat(count)}`,
    );
    const names = new Set(
      pages
        .trim()
        .replace(/<\/?h1>/g, "")
        .split("\n"),
    );
    expect(names.size, pages).toBe(1);
    return [...names][0] ?? "";
  };
  const setWeight = (name: string, value?: number): Promise<unknown> =>
    inGuests((shell, { director, services: [{ vip, port, realServers }] }) => {
      const { address, weight } = realServers.find((server) => server.name === name) ?? {};
      return shell.check(
        director.name,
        `ipvsadm -e -t ${vip}:${port} -r ${address}:${port} -g -w ${value ?? weight}`,
      );
    });

  const first = await who(8);
  // expire_quiescent_template: at weight 0 it gets no new connection, not even of a client that is tied to it.
  await setWeight(first, 0);
  const second = await who(4);
  expect(second).not.toBe(first);
  await setWeight(first);
  expect(await who(4)).toBe(second);
  try {
    await guest(second, "systemctl stop nginx");
    await eventually(30, async () => expect(await who(4)).toBe(first));
  } finally {
    await guest(second, "systemctl start nginx");
  }
  configure();
  await lab(["up"]);
});

it("a VIP and a port that left are gone from the real servers when nobody uses them any more", async () => {
  await eventually(120, async () => {
    const left = await inGuests((shell, { realServers }) =>
      Promise.all(realServers.map(({ name }) => shell.check(name, "ip -4 -o addr; ss -Hltn"))),
    );
    expect(left.join("")).not.toMatch(/10\.0\.0\.101|:8080/);
  });
});

it("a real server that answers ARP is heard, and named", async () => {
  const leak = "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.lo.arp_ignore=0";
  const heard = await claimants(() => guest("rs2", leak));
  await guest("rs2", "/usr/local/sbin/lvs-dr start");
  expect(heard).toEqual([expect.stringMatching(/^director /), expect.stringMatching(/^rs2 /)]);
});

it("director, router and a real server reboot: everything is back by itself", async () => {
  await reboot(["director", "router", "rs1"]);
  expect((await outputs()).vip).toBe("10.0.0.100");
});
