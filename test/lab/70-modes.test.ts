/** Strategies, modes, draining and reboots: every change by `up`, every effect seen in the guests. */
import { afterAll, expect, it } from "vitest";
import type { Health } from "../../model/health";
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
    const heard = await claimants(() => reboot(["rs1"]));
    console.log(`arpStrategy ${strategy}: over a reboot of rs1 the VIP was claimed by ${heard.join(", ")}`);
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
    });
  } finally {
    await guest("director", `rm -r ${dropIn} && systemctl daemon-reload`);
  }
  const up = await lab(["up"]);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  expect(await guest("director", "ipvsadm -Sn")).toContain("-g -w 5");
});

it("services on several VIPs and ports, each with its scheduler", async () => {
  const services = [
    { name: "alt", port: 8080, scheduler: "mh", schedulerFlags: ["mh-fallback"] },
    { name: "other", vip: "10.0.0.101", port: 80, scheduler: "rr", realServers: [{ name: "rs2" }] },
  ];
  configure({ services: [{ name: "main" }, ...services] });
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

  // Both VIPs go as they came: none is left on the director, on lo or in the table.
  configure();
  await underLoad("services taken away", () => lab(["up"]));
  const left = await inGuests((shell, { director, realServers }) =>
    Promise.all(
      [director, ...realServers].map(({ name }) =>
        shell.check(name, "ip -4 -o addr; ipvsadm -Sn 2>/dev/null || true"),
      ),
    ),
  );
  expect(left.join("")).not.toMatch(/10\.0\.0\.101|:8080/);
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
