/** ldirectord.cf as people write it: constructs of public files, in configurations of our own. */
import { describe, expect, it } from "vitest";
import { serviceKey } from "../../../../model/lab/target";
import { portsOf } from "../../../../model/lab/ports";
import { NothingToImport } from "../../../../model/import/stack";
import { importCf, leftOf, missing } from "./support";

const TWO = `    real=192.168.6.2:80 gate 3
    real=192.168.6.3:80 gate`;

describe.skipIf(missing)(`ldirectord.cf${missing ? ` (skipped: no ${missing})` : ""}`, () => {
  it("has ldirectord's own defaults where it says nothing", async () => {
    const { config, lab, left } = await importCf(`virtual=192.168.6.240:80\n${TWO}\n`);
    expect(left).toEqual([]);
    expect(config).toMatchObject({
      serverNetwork: { cidr: "192.168.6.0/24" },
      vipCidr: "192.168.6.0/24",
      vip: "192.168.6.240",
      sorryServer: false,
      ldirectord: { fork: false, cleanstop: true, readdquiescent: false, autoreload: false },
      healthCheck: {
        checktype: "negotiate",
        service: "http",
        request: "/",
        receive: ".*",
        checktimeout: 5,
        negotiatetimeout: 30,
        checkinterval: 10,
        failurecount: 1,
      },
    });
    expect(lab.realServers.map(({ name, address }) => [name, address])).toEqual([
      ["rs1", "192.168.6.2"],
      ["rs2", "192.168.6.3"],
    ]);
    expect(lab.services[0].realServers.map(({ weight }) => weight)).toEqual([3, 1]);
  });

  it("takes over or tells each line, with ldirectord's own words", async () => {
    const text = `checktimeout=3
checkinterval=1 # a comment
foo=bar
logfile=/var/log/unquoted.log
autoreload=yes
callback="/usr/local/bin/sync"
virtual=192.168.6.240:80
\treal=192.168.6.2->192.168.6.4:80 masq
\treal=192.168.6.3:80 gate
\treal=192.168.6.5:8080 ipip 2
\tscheduler=rr
\tscheduler=lc
\tchecktype=maybe
\tcheckcount=3
\tmonitorfile=/srv/monitor/log
\tvirtualhost=www.example.com        # trailing blanks

\tpersistent=600
virtual=192.168.6.240:80
\treal=192.168.6.2:80 gate
virtual6=[2001:db8::1]:80
\treal6=[2001:db8::2]:80 gate
`;
    const imported = await importCf(text);
    const told = imported.left.map(({ line, reason }) => [line, reason]);
    expect(told).toEqual([
      [3, "ldirectord does not know it"],
      [4, "ldirectord does not take it as it is written"],
      [5, expect.stringContaining("freezes all health checks")],
      [6, expect.stringContaining("program of your director's")],
      [8, "masq becomes gate: a lab is Direct Routing"],
      [9, "is a real server of this service already"],
      [10, "ipip becomes gate: a lab is Direct Routing"],
      [10, "port 8080 becomes 80, the service's: Direct Routing maps no ports"],
      [11, "is said again in line 12, which counts"],
      [13, expect.stringMatching(/^ldirectord: checktype must be/)],
      [14, expect.stringContaining("deprecated")],
      [15, expect.stringContaining("directory of your director's")],
      [18, "ldirectord does not take it as it is written"],
      [19, "ldirectord: duplicate virtual server"],
      [20, "ldirectord: is of the service in line 19"],
    ]);
    const [main] = imported.lab.services;
    expect(main).toMatchObject({ scheduler: "lc", check: { virtualhost: "www.example.com" } });
    expect(main.realServers.map(({ address }) => address.split(".")[3])).toEqual(["2", "3", "4", "5"]);
  });

  it("gives names addresses, and keeps them as the guests' names", async () => {
    const { lab, mapped } = await importCf(
      "virtual=www.example.com:http\n    real=web1.example.com:80 gate\n    real=vip:80 gate\n    real=10.1.2.3:80 gate\n",
    );
    expect(lab.segments.server.cidr).toBe("10.1.2.0/24");
    expect(lab.realServers.map(({ name }) => name)).toEqual(["web1", "rs1", "rs2"]);
    expect(mapped.map(({ what, from }) => [what, from])).toEqual([
      ["web1", "web1.example.com"],
      ["rs1", "vip"],
      ["VIP", "www.example.com"],
    ]);
    for (const { to } of mapped) expect(to).toMatch(/^10\.1\.2\./);
  });

  it("keeps a check that the lab's servers cannot pass from taking them for dead", async () => {
    const text = `virtual=192.168.6.240:3306\n    real=192.168.6.2:3306 gate\n    service=mysql\n    login="u"\n    passwd="geheim"\n    request="SELECT 1"\n`;
    const imported = await importCf(text);
    expect(imported.lab.services[0].check).toMatchObject({ checktype: "connect", checktimeout: 5 });
    const rest = "is of a check that is not taken over: see line 3";
    expect(leftOf(imported)).toEqual([
      [3, expect.stringContaining("checked by connect instead")],
      ...[4, 5, 6].map((line) => [line, rest]),
    ]);
    expect(imported.taken.map(({ line }) => line)).toEqual([1, 2]);
    // Nor does it tell a password.
    expect(JSON.stringify([imported.left, imported.taken])).not.toContain("geheim");
  });

  it("has no program of another director's run, and checks by connect instead", async () => {
    const imported = await importCf(
      `virtual=192.168.6.240:80\n${TWO}\n    checktype=external\n    checkcommand=/usr/local/bin/check --deep\n`,
    );
    expect(imported.lab.services[0].check.checktype).toBe("connect");
    expect(leftOf(imported)).toEqual([
      [4, "runs the program of line 5"],
      [
        5,
        expect.stringMatching(
          /^names a program of your director's.*until director\.files brings it; checked by connect instead$/,
        ),
      ],
    ]);
    expect(JSON.stringify(imported.left)).not.toContain("--deep");
  });

  it.each<[string, string, object, [number, string][]]>([
    [
      "checkcommand beside negotiate",
      'service=http\n request="/x"\n receive="ok"\n checktype=negotiate\n checkcommand=/bin/true',
      { checktype: "negotiate", service: "http", request: "x", receive: "ok" },
      [[7, "is read by external checks only"]],
    ],
    [
      "request and receive beside connect",
      'request="/x"\n receive="ok"\n checktype=connect',
      { checktype: "connect" },
      [3, 4].map((line) => [line, "is read by negotiate checks only, and this one is connect"]),
    ],
    [
      "a database's options beside http",
      'service=http\n login="u"\n passwd="p"\n database="d"\n secret="s"\n receive="ok"',
      { checktype: "negotiate", service: "http", receive: "ok" },
      [4, 5, 6, 7].map((line) => [line, "is not read by a check of http"]),
    ],
  ])("tells options that the check does not read, and keeps it: %s", async (_what, options, check, told) => {
    const own = options.replace(/^ ?/gm, "    ");
    const imported = await importCf(`virtual=192.168.6.240:80\n    real=192.168.6.2:80 gate\n${own}\n`);
    expect(imported.config.healthCheck).toMatchObject(check);
    expect(Object.keys(imported.config.healthCheck as object).sort()).toEqual(
      [
        ...new Set([
          ...["checktype", "checkinterval", "checktimeout", "failurecount", "negotiatetimeout"],
          ...("service" in check ? ["request"] : []),
          ...Object.keys(check),
        ]),
      ].sort(),
    );
    expect(leftOf(imported)).toEqual(told);
  });

  it("tells a real server's own request where the check asks for nothing", async () => {
    const imported = await importCf(
      'virtual=192.168.6.240:80\n    real=192.168.6.2:80 gate 1 "/y", "z"\n    checktype=connect\n',
    );
    expect(leftOf(imported)).toEqual([[2, expect.stringContaining("is read by negotiate checks only")]]);
    expect(imported.lab.services[0].realServers[0]?.request).toBeUndefined();
    const mysql = await importCf(
      'virtual=192.168.6.240:3306\n    real=192.168.6.2:3306 gate 1 "SELECT 2", "2"\n    login="u"\n    request="SELECT 1"\n',
    );
    expect(leftOf(mysql).map(([line]) => line)).toEqual([1, 2, 3, 4]);
    expect(mysql.lab.services[0].realServers[0]?.request).toBeUndefined();
  });

  it("has whatever stands in as a real server that no service names", async () => {
    const { lab } = await importCf(`fallback=192.168.6.9\nvirtual=192.168.6.240:80\n${TWO}\n`);
    expect(lab.services[0].sorry).toEqual({ address: "192.168.6.9", port: 80 });
    expect(lab.realServers.map(({ name }) => name)).toEqual(["rs1", "rs2", "fallback1"]);
    expect(lab.services[0].realServers.map(({ name }) => name)).toEqual(["rs1", "rs2"]);
  });

  it("takes a firewall mark for what it is told to stand for", async () => {
    const text =
      "virtual=7\n    real=192.168.6.2 gate\n    service=http\n    checkport=80\n    persistent=600\n";
    await expect(importCf(text)).rejects.toThrow(NothingToImport);
    await expect(importCf(text)).rejects.toThrow(
      "line 1: virtual=7: the file does not say what bears mark 7: name it by --mark 7=VIP:PORTS",
    );
    const { lab, left } = await importCf(text, [7]);
    expect(left).toEqual([]);
    expect(lab.services[0]).toMatchObject({ mark: 7, vip: "10.0.0.7", persistent: 600 });
    expect(portsOf(lab.services[0])).toEqual([
      { first: 80, last: 80 },
      { first: 8443, last: 8443 },
    ]);
  });

  it("leaves out alerts that nobody would send, and what is not an address", async () => {
    const head = `emailalert="ops@example.com, nobody"\nemailalertstatus=starting,running\n`;
    const without = await importCf(`${head}virtual=192.168.6.240:80\n${TWO}\n`);
    expect(without.lab.ldirectord.emailalert).toBeUndefined();
    expect(leftOf(without)).toEqual([[1, "emailalert is not an e-mail address"]]);
    const sent = await importCf(
      `emailalert="ops@example.com,dev@example.com"\nsmtp=mail\nemailalertstatus=starting,running\nvirtual=192.168.6.240:80\n${TWO}\n`,
    );
    expect(sent.lab.ldirectord).toMatchObject({
      emailalert: ["ops@example.com", "dev@example.com"],
      emailalertstatus: ["starting", "running"],
      smtp: "mail",
    });
  });

  it("takes over both families, with machines by their names and places", async () => {
    const text = `fallback6=[2001:db8:7::99]:80
virtual=10.0.0.1:80
    real=web1:80 gate 2
    real=192.168.7.11:80 gate
virtual6=[2001:DB8:0::1]:80
    real6=[2001:db8:7::b]:80 gate
    real6=web1:80 gate
    netmask=64
    persistent=60
virtual6=[2001:db8::2]:443
    real6=[2001:db8:7::c]:443 gate
    checktype=ping
`;
    const { lab, left, mapped, paired } = await importCf(text);
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [1, "port 80 becomes 443, the service's: Direct Routing maps no ports"],
      [12, expect.stringMatching(/sent over IPv4 alone by ldirectord.*checked by connect instead$/)],
    ]);
    expect(lab.services.map(({ name, vip, netmask }) => [name, vip, netmask])).toEqual([
      ["main", "10.0.0.1", undefined],
      ["main-v6", "2001:db8::1", "64"],
      ["https", "2001:db8::2", undefined],
    ]);
    expect(lab.services[1]?.sorry).toEqual({ address: "2001:db8:7::99", port: 80 });
    // The name says that its place is no matter.
    expect(mapped.map(({ from, to }) => [from, to.replace(/[^:.]+$/, "")])).toEqual([
      ["web1", "192.168.7."],
      ["web1", "2001:db8:7::"],
    ]);
    expect(paired.map((each) => each.replace(/ .*/, ""))).toEqual(["web1:"]);
    expect(lab.services[1]?.realServers.map(({ name }) => name)).toEqual(["rs2", "web1"]);
    expect(lab.realServers.map(({ name }) => name)).toEqual(["web1", "rs1", "rs2", "rs3", "fallback1"]);
  });

  it("checks a service by mark where ldirectord does: at its server's port, or that of what it speaks", async () => {
    const check = async (port: string, rest: string) =>
      (await importCf(`virtual=7\n    real=192.168.6.2${port} gate\n${rest}`, [7])).lab.services[0].check;
    const https = '    service=https\n    request="alive"\n';
    expect(await check("", https)).toMatchObject({ service: "https", checkport: 443 });
    expect(await check(":8443", https)).toMatchObject({ checkport: 8443 });
    expect(await check(":8443", `${https}    checkport=444\n`)).toMatchObject({ checkport: 444 });
    expect(await check("", `${https}    checktype=connect\n`)).toMatchObject({ checkport: 443 });
    expect(await check("", `${https}    checktype=ping\n`)).toMatchObject({ checkport: 80 });
  });

  it("takes over IPv6 alone, and marks in both families", async () => {
    const alone = await importCf("virtual6=[2001:db8::1]:80\n    real6=[2001:db8::5]:80 gate\n");
    expect(alone.left).toEqual([]);
    expect(alone.lab).toMatchObject({
      vip6Cidr: "2001:db8::/64",
      services: [{ name: "main", vip: "2001:db8::1" }],
    });
    expect(alone.lab.segments.server.cidr6).toBe("2001:db8::/64");
    const mark = (six: string): string =>
      `virtual${six}=7\n    real${six}=${six === "" ? "192.168.6.2" : "[2001:db8:7::2]"} gate\n    service=http\n    checkport=80\n`;
    const { lab, left, paired } = await importCf(mark("") + mark("6"), [7]);
    expect(left).toEqual([]);
    expect(lab.services.map((each) => [serviceKey(each), each.vip])).toEqual([
      ["fwm 7", "10.0.0.7"],
      ["fwm 7 -6", "2001:db8::7"],
    ]);
    expect(paired).toEqual(["rs1: 192.168.6.2 and 2001:db8:7::2"]);
    await expect(importCf(mark("6"))).rejects.toThrow("name it by --mark 7=[VIP]:PORTS");
  });

  it("leaves SSH's port out with all that belongs to it", async () => {
    const imported = await importCf(
      `virtual=192.168.6.240:22\n    real=192.168.6.2:22 gate\n    checktype=connect\nvirtual=192.168.6.240:80\n${TWO}\n`,
    );
    expect(imported.lab.services.map(({ port }) => port)).toEqual([80]);
    expect(leftOf(imported).map(([line]) => line)).toEqual([1, 2, 3]);
    expect(imported.lab.realServers.map(({ name }) => name)).toEqual(["rs1", "rs2"]);
  });
});
