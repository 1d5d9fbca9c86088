import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import {
  expectedTable,
  ipvsRestoreRules,
  parseIpvsSave,
  renderTable,
} from "../../../../../model/director/ipvs/table";
import { serviceKey } from "../../../../../model/lab/target";
import { compareTables } from "../../../../../model/director/ipvs/compare";
import { parseIpvsList, rowOf } from "../../../../../model/director/ipvs/list";

const lab = (raw: Record<string, unknown> = {}) => parseConfig(raw, { project: "lvs-dr", stack: "dev" });

describe("parseIpvsSave", () => {
  it("reads every kind of line that ipvsadm 1.31 saves, and renders it back", () => {
    const lines = [
      "-A -t 10.0.0.100:80 -s wrr -p 600 -M 255.255.255.0",
      "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1",
      "-a -t 10.0.0.100:80 -r 127.0.0.1:80 -g -w 1",
      "-A -u 10.0.0.100:53 -s sh -o -b flag-1,flag-2",
      "-a -u 10.0.0.100:53 -r 192.168.7.20:53 -i -w 0",
      "-A --sctp-service 10.0.0.100:7 -s rr",
      "-A -f 7 -s wlc -p 300",
      "-a -f 7 -r 192.168.7.10:0 -m -w 65535",
      "-A -t [2001:db8::1]:80 -s mh -p 60 -M 64",
      "-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -g -w 4",
    ];
    const table = parseIpvsSave(`${lines.join("\n")}\n`);
    expect(renderTable(table)).toEqual(lines);
    expect(table[0]).toEqual({
      protocol: "tcp",
      vip: "10.0.0.100",
      port: 80,
      scheduler: "wrr",
      flags: [],
      persistent: 600,
      netmask: "255.255.255.0",
      ops: false,
      servers: [
        { address: "192.168.7.10", port: 80, forward: "gate", weight: 1 },
        { address: "127.0.0.1", port: 80, forward: "gate", weight: 1 },
      ],
    });
  });

  it("takes tunnel options, older spellings and persistence engines without minding them", () => {
    const table = parseIpvsSave(
      "-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip ops\n-a -u 10.0.0.1:5060 -r 10.0.0.2:5060 -i -w 1 --tun-type ipip\n",
    );
    expect(table).toMatchObject([{ ops: true, persistent: 60, servers: [{ forward: "ipip", weight: 1 }] }]);
  });

  it.each([
    ["garbage", "hello", "ipvsadm -Sn: not understood: hello"],
    [
      "a server before its service",
      "-a -t 1.2.3.4:80 -r 1.2.3.5:80 -g -w 1",
      "a real server without its service",
    ],
    ["an unknown option", "-A -t 1.2.3.4:80 -s rr -z 1", "-z is not understood"],
    ["an option without value", "-A -t 1.2.3.4:80 -s", "-s has no value"],
    ["no weight", "-A -t 1.2.3.4:80 -s rr\n-a -t 1.2.3.4:80 -r 1.2.3.5:80 -g", "not understood: -a"],
  ])("names the line with %s", (_name, text, message) => expect(() => parseIpvsSave(text)).toThrow(message));

  it("is empty for an empty table", () => expect(parseIpvsSave("")).toEqual([]));
});

describe("a firewall mark of both families", () => {
  const text =
    "-A -f 7 -s rr\n-a -f 7 -r 127.0.0.10:0 -g -w 1\n-A -f 7 -6 -s wlc\n-a -f 7 -6 -r [2001:db8::2]:0 -m -w 2\n";

  it("is two services, and each keeps its servers", () => {
    const table = parseIpvsSave(text);
    expect(table.map(serviceKey)).toEqual(["fwm 7", "fwm 7 -6"]);
    expect(table.map(({ servers }) => servers.map(({ address }) => address))).toEqual([
      ["127.0.0.10"],
      ["2001:db8::2"],
    ]);
    expect(`${renderTable(table).join("\n")}\n`).toBe(text);
  });
});

describe("ipvsRestoreRules", () => {
  it("fills the article's table", () => {
    expect(ipvsRestoreRules(lab())).toEqual([
      "-A -t 10.0.0.100:80 -s wrr",
      "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1",
      "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 3",
    ]);
  });

  it("writes persistence, flags, drains and further services as ipvsadm saves them", () => {
    const rules = ipvsRestoreRules(
      lab({
        scheduler: "mh",
        schedulerFlags: ["mh-port", "flag-1"],
        persistent: 600,
        persistenceNetmask: "255.255.255.0",
        realServers: [
          { lowerThreshold: 5, upperThreshold: 10 },
          { drain: true, weight: 7 },
        ],
        services: [
          {
            port: 53,
            protocol: "udp",
            ops: true,
            scheduler: "rr",
            realServers: [{ name: "rs2", drain: false }],
          },
        ],
      }),
    );
    expect(rules).toEqual([
      "-A -t 10.0.0.100:80 -s mh -p 600 -M 255.255.255.0 -b mh-fallback,mh-port",
      "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1",
      "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 0",
      "-A -u 10.0.0.100:53 -s rr -o",
      "-a -u 10.0.0.100:53 -r 192.168.7.20:53 -g -w 7",
    ]);
  });
});

describe("parseIpvsList", () => {
  const head = "IP Virtual Server version 1.2.1 (size=4096)\n";

  it("reads the plain list, persistent services and other protocols", () => {
    const list = parseIpvsList(
      head +
        "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
        "TCP  10.0.0.100:80 wrr persistent 600 mask 255.255.255.0\n" +
        "  -> 192.168.7.10:80              Route   1      3          13        \n" +
        "  -> 127.0.0.1:80                 Local   1      0          0         \n" +
        "FWM  7 IPv6 rr\n  -> [2001:db8::2]:0             Masq    2      1          0         \n",
    );
    expect(list.services).toEqual([
      { protocol: "tcp", vip: "10.0.0.100", port: 80, values: {} },
      { mark: 7, family: 6, values: {} },
    ]);
    expect(list.rows.map(({ address, forward, values }) => [address, forward, values])).toEqual([
      ["192.168.7.10", "Route", { Weight: 1, ActiveConn: 3, InActConn: 13 }],
      ["127.0.0.1", "Local", { Weight: 1, ActiveConn: 0, InActConn: 0 }],
      ["2001:db8::2", "Masq", { Weight: 2, ActiveConn: 1, InActConn: 0 }],
    ]);
  });

  it("reads --stats with its shortened numbers", () => {
    const list = parseIpvsList(
      head +
        "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n" +
        "TCP  10.0.0.100:80                      12      120        0   123456K        0\n" +
        "  -> 192.168.7.10:80                     4       40        0     2345M        0\n",
    );
    expect(list.services[0]?.values).toEqual({
      Conns: 12,
      InPkts: 120,
      OutPkts: 0,
      InBytes: 123456e3,
      OutBytes: 0,
    });
    expect(list.rows[0]?.values).toMatchObject({ Conns: 4, InBytes: 2345e6 });
  });

  it("reads --thresholds and --persistent-conn", () => {
    const service = { protocol: "tcp", vip: "10.0.0.100", port: 80 } as const;
    const server = { address: "192.168.7.10", port: 80 };
    const thresholds = parseIpvsList(
      head +
        "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port\n" +
        "TCP  10.0.0.100:80 wrr\n  -> 192.168.7.10:80              10         5          1          2         \n",
    );
    expect(rowOf(thresholds, service, server)?.values).toEqual({
      Uthreshold: 10,
      Lthreshold: 5,
      ActiveConn: 1,
      InActConn: 2,
    });
    const persistent = parseIpvsList(
      head +
        "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  -> RemoteAddress:Port\n" +
        "TCP  10.0.0.100:80 wrr persistent 600\n  -> 192.168.7.10:80              1         4           1          2         \n",
    );
    expect(rowOf(persistent, service, server)?.values).toMatchObject({ Weight: 1, PersistConn: 4 });
    expect(rowOf(persistent, service, { address: "192.168.7.11", port: 80 })).toBeUndefined();
  });

  it.each([
    ["garbage", "Can't initialize ipvs: Protocol not available"],
    ["a server before its service", "  -> 192.168.7.10:80 Route 1 0 0"],
  ])("names the line with %s", (_name, text) => expect(() => parseIpvsList(text)).toThrow(SyntaxError));
});

describe("compareTables", () => {
  const expected = expectedTable(lab({ persistent: 600 }));

  it("finds nothing where only the order differs", () => {
    const shuffled = expected.map((service) => ({ ...service, servers: [...service.servers].reverse() }));
    expect(compareTables(shuffled, expected)).toEqual([]);
  });

  it("says every difference in words", () => {
    const actual = parseIpvsSave(
      [
        "-A -t 10.0.0.100:80 -s rr -p 300 -b flag-1",
        "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -m -w 1",
        "-a -t 10.0.0.100:80 -r 192.168.7.99:80 -g -w 1",
        "-A -t 10.0.0.100:8080 -s rr",
      ].join("\n"),
    );
    const main = "service tcp 10.0.0.100:80";
    expect(compareTables(actual, expected, lab())).toEqual([
      { subject: main, text: `${main}: -s rr -p 300 -b flag-1, expected -s wrr -p 600` },
      { subject: "rs1", text: `rs1 192.168.7.10:80 in ${main}: missing, expected -g -w 1` },
      { subject: "rs2", text: `rs2 192.168.7.20:80 in ${main}: -m -w 1, expected -g -w 3` },
      { subject: "192.168.7.99:80", text: `192.168.7.99:80 in ${main}: not configured` },
      {
        subject: "service tcp 10.0.0.100:8080",
        text: "service tcp 10.0.0.100:8080: not configured",
      },
    ]);
    expect(compareTables([], expected)).toEqual([
      { subject: main, text: `${main}: missing, expected -s wrr -p 600` },
    ]);
  });
});
