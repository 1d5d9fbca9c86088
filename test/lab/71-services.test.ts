/** What services may be: several of them, every scheduler with its flags, persistence, sorry servers. */
import { afterAll, expect, it } from "vitest";
import type { Health } from "../../model/health";
import { parseIpvsSave, renderTable, type IpvsService } from "../../model/director/ipvs/table";
import { compareTables } from "../../model/director/ipvs/compare";
import { SCHEDULERS } from "../../model/config/schemaService";
import { canonicalFlags, hasNamedFlags } from "../../model/config/serviceDefaults";
import { targetArguments } from "../../model/lab/target";
import type { VerifyReport } from "../../verify/verify";
import { underLoad } from "./load";
import { applied, backToDefaults, configure, eventually, guest, health, inGuests, lab, run } from "./support";

afterAll(backToDefaults);

/** Whom the pages that curl has printed are from. */
const namesIn = (pages: string): Set<string> =>
  new Set(
    pages
      .trim()
      .replace(/<\/?h1>/g, "")
      .split("\n"),
  );
const CURL = "curl -s --max-time 5 -H 'Connection: close'";

it("the kernel takes every scheduler with its flags, and shows them as the model writes and compares them", async () => {
  // Debian's kernel has no twos, and what has named flags has two of them: both are refused beforehand.
  const schedulers = SCHEDULERS.filter((name) => name !== "twos");
  const flagSets = (scheduler: string): string[][] =>
    hasNamedFlags(scheduler)
      ? [[], ["flag-1"], ["flag-2"], ["flag-1", "flag-2"]]
      : [[], ["flag-1"], ["flag-2"], ["flag-3"], ["flag-1", "flag-2", "flag-3"]];
  const vip = "198.51.100.1";
  const server = { address: "192.0.2.9", port: 0, forward: "gate", weight: 5 } as const;
  const expected = schedulers
    .flatMap((scheduler) => flagSets(scheduler).map((flags) => [scheduler, flags] as const))
    .map(([scheduler, flags], index): IpvsService => ({
      protocol: index % 2 === 0 ? "tcp" : "udp",
      ...{ vip, port: 1000 + index, scheduler, flags: canonicalFlags(scheduler, flags) },
      ...(index % 3 === 0 && { persistent: 600, ...(index % 2 === 0 && { netmask: "255.255.255.0" }) }),
      ops: index % 2 === 1,
      servers: [{ ...server, port: 1000 + index }],
    }));
  const targets = expected.map(targetArguments);
  const saved = await guest(
    "director",
    `ipvsadm -R <<'RULES' && ipvsadm -Sn; code=$?
${renderTable(expected).join("\n")}
RULES
for target in ${targets.map((each) => `'${each}'`).join(" ")}; do ipvsadm -D $target; done; exit $code`,
  );
  const seen = parseIpvsSave(saved).filter((service) => service.mark === undefined && service.vip === vip);
  expect(seen).toHaveLength(11 * 5 + 2 * 4);
  expect(compareTables(seen, expected)).toEqual([]);
  // Word for word: a text that differs is a table that differs.
  const lines = saved.split("\n").map((line) => line.trimEnd());
  expect(renderTable(expected).filter((line) => !lines.includes(line))).toEqual([]);
  const wrong = expected.map((service) => ({ ...service, flags: [...service.flags, "flag-9"] }));
  expect(compareTables(seen, wrong)).toHaveLength(expected.length);
});

it("a drain by weight 0, a sorry page of one's own, and a UDP service with a flag", async () => {
  const dns = {
    ...{ name: "dns", port: 53, protocol: "udp", ops: true },
    ...{ scheduler: "sh", schedulerFlags: ["sh-port"], realServers: [{ name: "rs1" }] },
  };
  configure({
    realServers: [
      { name: "rs1", weight: 1 },
      { name: "rs2", weight: 0 },
    ],
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

it("a sorry server at an address of its own: a real server of no service stands in, and leaves again", async () => {
  const spare = (await applied()).realServers.find(({ name }) => name === "rs2")?.address ?? "";
  configure({
    services: [{ name: "main", realServers: [{ name: "rs1" }] }],
    sorryServer: { address: spare },
  });
  await lab(["up"]);
  const ask = (): Promise<string> => guest("client", `${CURL} ${"http://10.0.0.100/ ".repeat(4)} || true`);
  expect(await ask()).toBe("<h1>rs1</h1>\n".repeat(4));
  await guest("rs1", "systemctl stop nginx");
  try {
    await eventually(30, async () => expect(await ask()).toBe("<h1>rs2</h1>\n".repeat(4)));
    const { status, services } = await health();
    expect([status, services[0]?.sorry]).toEqual(["sorry", true]);
    expect(await guest("director", "ipvsadm -Sn")).toContain(`-r ${spare}:80 -g -w 1`);
  } finally {
    await guest("rs1", "systemctl start nginx");
  }
  await eventually(30, async () => expect((await health()).problems).toEqual([]));
  expect(await ask()).toBe("<h1>rs1</h1>\n".repeat(4));
  expect(await guest("director", "ipvsadm -Sn")).not.toContain(spare);
});

it("persistence: a subnet's clients stick to one server, and move at once when that one dies", async () => {
  configure({ persistent: 600, persistenceNetmask: "255.255.255.0" });
  await lab(["up"]);
  /** Who answers `count` requests, each on a connection of its own: one server. */
  const who = async (count: number, from?: string): Promise<string> => {
    const source = from === undefined ? "" : `--interface ${from}`;
    const pages = await guest("client", `${CURL} ${source} ${"http://10.0.0.100/ ".repeat(count)}`);
    const names = namesIn(pages);
    expect(names.size, pages).toBe(1);
    return [...names][0] ?? "";
  };
  const setWeight = (name: string, value?: number): Promise<unknown> =>
    inGuests((shell, { directors: [director], services: [{ vip, port, realServers }] }) => {
      const { address, weight } = realServers.find((server) => server.name === name) ?? {};
      return shell.check(
        director.name,
        `ipvsadm -e -t ${vip}:${port} -r ${address}:${port} -g -w ${value ?? weight}`,
      );
    });

  const first = await who(8);
  const {
    clients: [client],
  } = await applied();
  const [a = "", c = "", third] = client.address.split(".");
  const [nic] = client.nics;
  const neighbours = [81, 82, 83].map((last) => `${a}.${c}.${third}.${last}`);
  const strangers = [101, 102, 103, 104].map((net) => `${a}.${c}.${net}.81`);
  await guest(
    "client",
    [...neighbours, ...strangers].map((each) => `ip addr add ${each}/16 dev ${nic?.device}`).join(" && "),
  );
  try {
    // Its netmask makes one client of a /24: by turns, the next three would go to more than one server, as four of other subnets do.
    for (const neighbour of neighbours) expect(await who(2, neighbour), neighbour).toBe(first);
    const others = new Set<string>();
    for (const stranger of strangers) others.add(await who(2, stranger));
    expect([...others].sort()).toEqual(["rs1", "rs2"]);
    expect(await guest("director", "ipvsadm -Lnc")).toMatch(new RegExp(`${a}\\.${c}\\.${third}\\.0:0 `));
  } finally {
    await guest(
      "client",
      [...neighbours, ...strangers].map((each) => `ip addr del ${each}/16 dev ${nic?.device}`).join("; "),
    );
  }
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
});

it("a VIP and a port that left are gone from the real servers when nobody uses them any more", async () => {
  await eventually(120, async () => {
    const left = await inGuests((shell, { realServers }) =>
      Promise.all(realServers.map(({ name }) => shell.check(name, "ip -4 -o addr; ss -Hltn"))),
    );
    expect(left.join("")).not.toMatch(/10\.0\.0\.101|:8080/);
  });
});
