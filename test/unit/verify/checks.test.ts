import { lacksCommand } from "../../../health/commands";
import { describe, expect, it } from "vitest";
import type { ShellResult } from "../../../lib/ssh";
import { parseConfig } from "../../../model/config/config";
import { expectedTable, isOfDiagnosis, renderTable } from "../../../model/director/ipvs/table";
import type { Lab } from "../../../model/lab/types";
import { parseArping } from "../../../health/arping";
import { arpProbe, judgeArp, serverMac } from "../../../verify/checks/arp";
import { parseCapture } from "../../../verify/checks/capture";
import { Patience, runProbe, type CheckContext, type Finding } from "../../../verify/checks/check";
import { parseFacts, unitsOf } from "../../../verify/checks/guestFacts";
import { addressesOf, judgeGuest, sysctlsOf } from "../../../verify/checks/guests";
import { judgePath } from "../../../verify/checks/pathJudgement";
import { judgeTable } from "../../../verify/checks/table";
import { diagnosisProbe } from "../../../verify/diagnosis/diagnosis";
import { targetsOf } from "../../../verify/diagnosis/scripts";
import { LAB } from "../report/fixtures";

const [SERVICE] = LAB.services;
const failing = (findings: readonly Finding[]): string[] =>
  findings.filter(({ status }) => status === "fail").map(({ name }) => name);

describe("arp", () => {
  const reply = (mac: string): string => `Unicast reply from 10.0.0.100 [${mac.toUpperCase()}]  1.6ms\n`;
  const director = serverMac(LAB.directors[0]);
  const leak = serverMac(LAB.realServers[0] ?? LAB.directors[0]);
  const asked = { from: "router", where: "router", command: "arping" };
  it.each([
    ["the director alone", reply(director) + reply(director), "pass", "director"],
    ["a real server too", reply(director) + reply(leak), "fail", "rs1"],
    ["nobody", "Received 0 response(s)\n", "fail", "nobody answered"],
    ["a stranger", reply("02:00:00:00:00:01"), "fail", "unknown 02:00:00:00:00:01"],
  ])("%s answers", (_what, text, status, seen) => {
    const finding = judgeArp(LAB, "10.0.0.100", { ...asked, text });
    expect(finding.status).toBe(status);
    expect(finding.evidence.seen).toContain(seen);
  });
  it("takes a router that cannot be asked for that, not for nobody's answer", async () => {
    const run = (): Promise<ShellResult> =>
      Promise.resolve({ code: 255, stdout: "", stderr: "router does not answer" });
    const lab: Lab = {
      ...LAB,
      hosts: [{ ...LAB.hosts[0], remote: { host: "other", user: "root", port: 22 } }],
    };
    const [router] = await arpProbe.look({ lab, shell: { run } });
    expect(router).toMatchObject({
      name: "arp.10.0.0.100.router",
      status: "fail",
      evidence: { seen: "router: cannot be asked (255): router does not answer", expected: "an answer" },
      fix: "scripts/lab status",
    });
  });
  it("reads each MAC once", () => expect(parseArping(reply(leak) + reply(leak))).toEqual([leak]));
});

describe("commands that a check needs", () => {
  const machine = { ...LAB.directors[0], ssh: { host: "m", user: "root", port: 22 } };
  const shell = { run: () => Promise.resolve({ code: 0, stdout: "nft\n", stderr: "" }) };
  it("are named where a machine has not got them", async () => {
    expect(await lacksCommand(shell, [[machine, "curl", "nft"]])).toBe("there is no nft on director");
  });
  it("are in every guest", async () => {
    expect(await lacksCommand(shell, [[LAB.directors[0], "curl", "nft"]])).toBeUndefined();
  });
  it("are none of what the diagnosis goes without", async () => {
    const lab: Lab = { ...LAB, directors: [machine] };
    expect(await diagnosisProbe.look({ lab, shell })).toMatchObject([
      { name: "diagnosis.ways", status: "skip", evidence: { seen: "there is no nft on director" } },
    ]);
  });
});

describe("table", () => {
  const table = (...servers: string[]): string =>
    ["-A -t 10.0.0.100:80 -s wrr", ...servers.map((each) => `-a -t 10.0.0.100:80 -r ${each}`)].join("\n");
  it.each([
    ["as expected", table("192.168.7.20:80 -g -w 3", "192.168.7.10:80 -g -w 1"), []],
    ["masq", table("192.168.7.20:80 -m -w 3", "192.168.7.10:80 -g -w 1"), ["table.servers"]],
    ["sorry", table("127.0.0.1:80 -g -w 1"), ["table.servers", "table.sorry"]],
  ])("%s", (_what, save, expected) => expect(failing(judgeTable(LAB, save))).toEqual(expected));
  it("tells a service's sorry server from another service's real server at the same endpoint", () => {
    const services = [
      { name: "main", realServers: [{ name: "rs1" }], sorryServer: { address: "192.168.7.20" } },
      { name: "other", vip: "10.0.0.101", port: 80, realServers: [{ name: "rs2" }], sorryServer: false },
    ];
    const lab = parseConfig({ services }, { project: "lvs-dr", stack: "unit" });
    const meant = renderTable(expectedTable(lab)).join("\n");
    expect(failing(judgeTable(lab, meant))).toEqual([]);
    const standsIn = meant.replace("-r 192.168.7.10:80", "-r 192.168.7.20:80");
    expect(failing(judgeTable(lab, standsIn))).toEqual(["table.servers", "table.sorry"]);
    const [, sorry] = judgeTable(lab, standsIn);
    expect(sorry?.evidence.seen).toBe("192.168.7.20:80 in tcp 10.0.0.100:80");
  });
});

it.each(["router", "client"])("the diagnosis sets nothing up without its %s", async (gone) => {
  const asked: string[] = [];
  const run = (node: string): Promise<ShellResult> => {
    asked.push(node);
    return Promise.resolve({ code: node === gone ? 255 : 0, stdout: "", stderr: "does not answer" });
  };
  await expect(diagnosisProbe.look({ lab: LAB, shell: { run } })).rejects.toThrow(
    `${gone}: cannot be asked (255): does not answer`,
  );
  expect(asked.sort()).toEqual(["client", "router"]);
});

describe("path", () => {
  const [client, router, director] = ["172.18.7.70", serverMac(LAB.routers[0]), serverMac(LAB.directors[0])];
  const rs = serverMac(LAB.realServers[1] ?? LAB.directors[0]);
  let clock = 1;
  const line = (from: string, to: string, ips: string, flags: string): string =>
    `${clock++}.5 ${from} > ${to}, ethertype IPv4 (0x0800), length 74: ${ips}: Flags [${flags}], seq 1, length 0\n`;
  const request = `${client}.61001 > 10.0.0.100.80`;
  const answer = `10.0.0.100.80 > ${client}.61001`;
  const crossing = line(router, director, request, "S") + line(director, rs, request, "S");
  const commands = { director: "tcpdump", lastHop: "tcpdump" };
  const judged = (atDirector: string, atRouter: string, permanent: string[] = []): string[] => {
    const seen = {
      director: parseCapture(atDirector).frames,
      lastHop: parseCapture(atRouter).frames,
      answered: 1,
      permanent,
    };
    return failing(judgePath(LAB, SERVICE, { ...seen, arp: parseCapture(atRouter).arp }, commands, 1)).map(
      (name) => name.replace("path.main.", ""),
    );
  };
  const there = line(router, director, request, "S");
  const asks = (mac: string, tell: string, whom = "192.168.7.200"): string =>
    `1.0 ${mac} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: Request who-has ${whom} tell ${tell}, length 46\n`;
  const back = asks(rs, "192.168.7.20") + line(rs, router, answer, "S.");
  it.each([
    ["as expected", crossing, there + back, []],
    [
      "replies through the director",
      crossing + line(rs, director, answer, "S."),
      there + line(director, router, answer, "S."),
      ["replies"],
    ],
    [
      "a reply from the RIP",
      crossing,
      there + back + line(rs, router, `192.168.7.20.80 > ${client}.61001`, "S."),
      ["source"],
    ],
    ["requests past the director", "", line(router, rs, request, "S") + back, ["requests", "director-only"]],
    [
      "a real server that asks as the VIP",
      crossing,
      there + asks(rs, "10.0.0.100") + line(rs, router, answer, "S."),
      ["announce"],
    ],
    ["a real server that asks for nobody", crossing, there + line(rs, router, answer, "S."), ["announce"]],
    [
      "a real server that asks for another one only, while others ask",
      crossing,
      there +
        asks(rs, "192.168.7.20", "192.168.7.30") +
        asks(director, "192.168.7.30") +
        line(rs, router, answer, "S."),
      ["announce"],
    ],
  ])("%s", (_what, atDirector, atRouter, expected) => expect(judged(atDirector, atRouter)).toEqual(expected));
  it("a real server that has the router's MAC for good need not ask", () => {
    const reply = line(rs, router, answer, "S.");
    expect(judged(crossing, there + reply, ["rs2"])).toEqual([]);
    expect(judged(crossing, there + reply, ["rs1"])).toEqual(["announce"]);
    // One that has not answered proves nothing, and need not.
    expect(judged(crossing, there + back)).toEqual([]);
  });
});

it("the marks of a diagnosis are known as such, for as many real servers as there can be", () => {
  const lab = parseConfig({ realServerCount: 64 }, { project: "lvs-dr", stack: "unit" });
  const targets = targetsOf(lab.services[0]);
  expect(targets).toHaveLength(65);
  for (const { mark } of targets) expect(isOfDiagnosis({ mark, family: 4 })).toBe(true);
});

describe("units", () => {
  const units = (config: Record<string, unknown>): string[] => {
    const lab = parseConfig(config, { project: "lvs-dr", stack: "unit" });
    return unitsOf(lab, lab.directors[0]).filter(
      (unit) => !["ssh.service", "systemd-networkd.service"].includes(unit),
    );
  };
  const [nginx, daemon] = ["nginx.service", "lvs-dr-ldirectord.service"];
  it.each([
    ["its own sorry page", {}, [nginx, daemon]],
    ["no sorry server", { sorryServer: false }, [daemon]],
    ["a sorry server elsewhere", { sorryServer: { address: "192.168.7.99" } }, [daemon]],
    [
      "one at another service",
      { sorryServer: false, services: [{ name: "alt", port: 8080 }] },
      [nginx, daemon],
    ],
    ["a static table", { director: { mode: "static" } }, [nginx]],
    ["a static table and no sorry server", { director: { mode: "static" }, sorryServer: false }, []],
  ])("of a director with %s", (_what, config, expected) => expect(units(config)).toEqual(expected));
});

describe("guests", () => {
  const node = LAB.realServers[0];
  if (node === undefined) throw new Error("the lab has real servers");
  const sections = (changes: { lo?: string; ignore?: string; unit?: string; clock?: number } = {}): string =>
    `clock=${(changes.clock ?? 1000.5).toFixed(6)}\nboot=yes\n== sysctls\n` +
    Object.entries(sysctlsOf(LAB, node))
      .map(([key, value]) => `${key} ${key.includes("ignore") ? (changes.ignore ?? value) : value}\n`)
      .join("") +
    `== addresses\n1: lo    inet 127.0.0.1/8 scope host lo\n${changes.lo ?? "1: lo    inet 10.0.0.100/32 scope global lo:vip\n"}` +
    `2: eth0    inet 192.168.7.10/24 brd 192.168.7.255 scope global eth0\n== routes\ndefault via 192.168.7.200 dev eth0 proto static \n` +
    `== units\n${changes.unit ?? "active"}\n== failed\n== end\n`;
  const judged = (text: string): string[] =>
    failing(
      judgeGuest(LAB, node, parseFacts(node.name, text, ["nginx.service"], { before: 1000, after: 1001 })),
    ).map((name) => name.replace("guests.rs1.", ""));
  it.each([
    ["as expected", sections(), []],
    ["no VIP", sections({ lo: "" }), ["addresses"]],
    [
      "VIP on the NIC too",
      sections({
        lo: "1: lo    inet 10.0.0.100/32 scope global lo\n2: eth0    inet 10.0.0.100/8 scope global eth0\n",
      }),
      ["addresses"],
    ],
    ["ARP open", sections({ ignore: "0" }), ["sysctls"]],
    ["a dead unit", sections({ unit: "failed" }), ["units"]],
    ["a slow clock", sections({ clock: 990 }), ["clock"]],
  ])("%s", (_what, text, expected) => expect(judged(text)).toEqual(expected));
  it("wants the VIP on lo of real servers, and on the director's NIC", () => {
    expect(addressesOf(LAB, node)).toEqual(["eth0 192.168.7.10/24", "lo 10.0.0.100/32"]);
    expect(addressesOf(LAB, LAB.directors[0])).toContain("eth0 10.0.0.100/32");
  });
});

describe("runProbe", () => {
  const context = {
    lab: LAB,
    shell: { run: () => Promise.reject(new Error("none")) },
  } as unknown as CheckContext;
  const finding = (status: Finding["status"]): Finding => ({
    name: "a.b",
    title: "t",
    status,
    evidence: { where: "w", command: "c", seen: "s", expected: "e" },
  });
  it("looks again until it passes, and says how often it looked", async () => {
    let looks = 0;
    const probe = { group: "a", look: () => Promise.resolve([finding(++looks < 3 ? "fail" : "pass")]) };
    const [result] = await runProbe(probe, context, new Patience(10));
    expect(result).toMatchObject({ status: "pass", attempts: 3 });
  });
  it("gives all that fails together one deadline, and starts no look that would outlast it", () => {
    const patience = new Patience(15);
    // However long a first look took, one more is due.
    expect(patience.allows(20)).toBe(true);
    patience.spend(4);
    expect(patience.allows(11)).toBe(true);
    expect(patience.allows(12)).toBe(false);
    patience.spend(11);
    expect(patience.allows(0)).toBe(false);
    expect(new Patience(0).allows(0)).toBe(false);
  });
  it("looks once at a deadline of 0, and takes an error for a failure", async () => {
    let looks = 0;
    const probe = {
      group: "a",
      look: () => {
        looks++;
        return Promise.reject(new Error("no route to host"));
      },
    };
    const [result] = await runProbe(probe, context, new Patience(0));
    expect(looks).toBe(1);
    expect(result).toMatchObject({
      name: "a.reached",
      status: "fail",
      evidence: { seen: "no route to host" },
    });
  });
});
