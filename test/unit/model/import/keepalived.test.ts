/** keepalived.conf as people write it: its lexer, its defaults, and what ldirectord checks instead. */
import { describe, expect, it } from "vitest";
import { parseKeepalived, quotedWords, type Statement } from "../../../../model/import/keepalivedLexer";
import { NothingToImport } from "../../../../model/import/stack";
import { importKeepalived, leftOf, lines } from "./support";

type Tree = (string | Tree)[];
const tree = (statements: readonly Statement[]): Tree =>
  statements.map(({ words, block }) =>
    block === undefined ? words.join("|") : [words.join("|"), tree(block)],
  );
const parse = (text: string, files: Record<string, string> = {}) =>
  parseKeepalived(text, (pattern) =>
    files[pattern] === undefined ? [] : [{ file: pattern, text: files[pattern] }],
  );

describe("the lexer", () => {
  it.each<[string, string, Tree]>([
    [
      "blocks on lines of their own or not",
      "a {\n b 1\n}\nc\n{ d 2 } e",
      [["a", ["b|1"]], ["c", ["d|2"]], "e"],
    ],
    ["comments of both kinds, but in quotes", 'a 1 ! x\n# b\n!c\nd "e # f!" # g', ["a|1", "d|e # f!"]],
    ["a comment's sign after a backslash", "a \\#1 \\!2", ["a|#1|!2"]],
    ["braces in quotes", 'a "{b}" c', ["a|{b}|c"]],
    [
      "definitions, within others too",
      "$V=10.0.0.1\n$P=${V}:80\na $V ${P}x\nb $V.x $W",
      ["a|10.0.0.1|10.0.0.1:80x", "b|$V.x|$W"],
    ],
    ["definitions of several lines", "$B=\\\n b 1\\\n b 2\na {\n $B\n}", [["a", ["b|1", "b|2"]]]],
    ["conditions that hold without -i", "@^x a 1\n@x a 2", ["a|1"]],
  ])("%s", (_what, text, expected) => expect(tree(parse(text).statements)).toEqual(expected));

  it("includes files, tells lines by theirs, and what is not there", () => {
    const { statements, left } = parse("include a.conf\nincluder none/*.conf\nb", {
      "a.conf": "\na {\nc\n}",
    });
    expect(tree(statements)).toEqual([["a", ["c"]], "b"]);
    expect(statements[0]?.at).toEqual({ line: 2, text: "a", file: "a.conf" });
    expect(left).toEqual([{ line: 2, text: "includer none/*.conf", reason: "names no file that is there" }]);
    // A file that includes itself.
    expect(parse("include a", { a: "include a" }).left).toHaveLength(1);
  });

  it("tells braces that do not pair, sequences and conditions by their lines", () => {
    expect(parse("}\n{\n~SEQ(a,1,2) b\n@node1 c").left.map(({ line, reason }) => [line, reason])).toEqual([
      [1, "has a } too many"],
      [2, "has a { that belongs to nothing"],
      [3, "is a sequence, which is not expanded"],
      [4, "is for keepalived -i node1 only"],
    ]);
  });

  it("reads quotes of both kinds and escapes where the keyword takes them", () => {
    const words = (text: string): string[] => parse(text).statements.flatMap(quotedWords);
    expect(words(String.raw`regex "a\\.b 'c' \"d\" \x41\101\n" 'e f'g\ h`)).toEqual([
      "regex",
      "a\\.b 'c' \"d\" AA\n",
      "e fg h",
    ]);
  });
});

const service = (body: string, servers: string, head = "10.0.0.1 80"): string =>
  `virtual_server ${head} {\n protocol TCP\n lb_kind DR\n${body}\n${servers}\n}\n`;
const server = (address: string, body = "", port = 80): string =>
  ` real_server ${address} ${port} {\n${body}\n }`;
const TCP = "  TCP_CHECK {\n  }";

describe("services", () => {
  it("have keepalived's own defaults where nothing is said", () => {
    const { lab, left } = importKeepalived(
      service("", server("192.168.7.10", TCP) + "\n" + server("192.168.7.11", TCP)),
    );
    expect(left).toEqual([]);
    expect(lab.services[0]).toMatchObject({
      vip: "10.0.0.1",
      port: 80,
      protocol: "tcp",
      scheduler: "wlc",
      quiescent: false,
      check: { checktype: "connect", checktimeout: 5, checkinterval: 60, failurecount: 2 },
    });
    expect(lab.services[0].sorry).toBeUndefined();
  });

  it("say what they say", () => {
    const text = service(
      ` delay_loop 6\n lvs_sched sh\n sh-port\n persistence_timeout 50\n persistence_granularity 255.255.255.0\n inhibit_on_failure\n sorry_server 127.0.0.1 80`,
      server(
        "192.168.7.10",
        '  weight 3\n  uthreshold 10\n  lthreshold 5\n  HTTP_GET {\n   url {\n    path /a?b=c\n    regex "o\\\\d"\n   }\n   connect_timeout 3\n   nb_get_retry 3\n   connect_port 8080\n   virtualhost www.example.com\n  }',
      ),
    );
    const { lab, left } = importKeepalived(text);
    expect(left).toEqual([]);
    expect(lab.services[0]).toMatchObject({
      scheduler: "sh",
      schedulerFlags: ["sh-port"],
      persistent: 50,
      netmask: "255.255.255.0",
      quiescent: true,
      sorry: { address: "127.0.0.1", port: 80 },
      realServers: [{ weight: 3, upperThreshold: 10, lowerThreshold: 5 }],
      check: {
        checktype: "negotiate",
        service: "http",
        request: "/a?b=c",
        receive: "o\\d",
        virtualhost: "www.example.com",
        checkport: 8080,
        checktimeout: 3,
        negotiatetimeout: 3,
        checkinterval: 6,
        failurecount: 4,
      },
    });
  });

  it("tell each line that is not taken over, with the reason", () => {
    const text = `! A comment
global_defs {
  notification_email {
    ops@example.com
  }
  smtp_server mail.example.com
  router_id LVS
}
vrrp_instance VI_1 {
  interface eth0
  virtual_ipaddress {
    10.0.0.1/24 dev eth0
  }
}
virtual_server 10.0.0.1 80 {
  delay_loop 0.5
  lb_kind NAT
  protocol TCP
  quorum 1
  alpha
  real_server 192.168.7.10 8080 {
    notify_down "/etc/keepalived/down.sh"
    TCP_CHECK {
      nb_get_retry 3
      delay_before_retry 3
    }
    MISC_CHECK {
      misc_path "/etc/keepalived/check.sh"
    }
  }
  real_server 192.168.7.11 80 {
    SSL_GET {
      url {
        path /
        digest 0123
        status_code 200
      }
    }
  }
  real_server 2001:db8::1 80 {
  }
}
virtual_server 2001:db8::2 80 {
  protocol TCP
}
virtual_server fwmark 3 {
  real_server 192.168.7.10 {
  }
}
`;
    const imported = importKeepalived(text);
    const told = leftOf(imported);
    expect(told.map(([line]) => line)).toEqual([
      ...[7, 10, 20, 21, 21, 22, 24, 25, 27, 28, 31, 32, 35, 36, 40, 43, 44, 46, 47],
    ]);
    expect(Object.fromEntries(told)).toMatchObject({
      10: "nothing in a lab corresponds to it",
      21: "port 8080 becomes 80, the service's: Direct Routing maps no ports",
      24: "keepalived knows it in HTTP_GET and SSL_GET only",
      27: "ldirectord makes one check of a service, here that of line 23",
      32: "is other than line 23: ldirectord checks all servers of a service alike",
      35: "ldirectord compares no digest: any page is good",
      40: "IPv6 is not taken over yet",
      46: "the file does not say what bears mark 3: name it by --mark 3=VIP:PORTS",
    });
    expect(
      [...new Set([...told.map(([line]) => line), ...imported.taken.map(({ line }) => line)])].sort(
        (a, b) => a - b,
      ),
    ).toEqual(lines(text, /^\s*([!}]|$)/));
    expect(imported.lab.ldirectord).toMatchObject({
      emailalert: ["ops@example.com"],
      smtp: "mail.example.com",
    });
    expect(imported.lab.services[0].check.checkinterval).toBe(1);
    // VRRP's address says how large the VIP's network is.
    expect(imported.lab.vipCidr).toBe("10.0.0.0/24");
  });

  it("whose director has a peer are a pair's", () => {
    const vrrp = (body: string): string =>
      `vrrp_instance V {\n${body}\n virtual_ipaddress {\n  10.0.0.1/24\n  10.0.0.9\n }\n}\n`;
    const pair = (head: string) => importKeepalived(head + service("", server("192.168.7.10", TCP)));
    const { lab, left } = pair(
      vrrp(" virtual_router_id 7\n advert_int 2\n nopreempt\n priority 150\n lvs_sync_daemon_interface eth0"),
    );
    expect(lab.directors.map(({ address }) => address)).toEqual(["192.168.7.30", "192.168.7.29"]);
    expect(lab.highAvailability).toMatchObject({
      virtualRouterId: 7,
      advertInterval: 2,
      failback: "manual",
      sync: "daemon",
    });
    expect(left.map(({ line }) => line)).toEqual([5, 9]);
    const other = pair(vrrp(" virtual_router_id 300") + vrrp(""));
    expect(other.lab.highAvailability).toMatchObject({
      virtualRouterId: 51,
      advertInterval: 1,
      failback: "automatic",
      sync: "off",
    });
    expect(other.left.map(({ line }) => line)).toEqual([2, 5, 8, 10, 11, 12]);
    // One whose addresses are IPv6 alone says nothing of these services.
    expect(pair(vrrp("").replace(/10\.0\.0\.\d\S*/g, "2001:db8::1")).lab.directors).toHaveLength(1);
  });

  it("are one each for a group's addresses, ranges and marks", () => {
    const group =
      "virtual_server_group G {\n 10.0.0.1 80\n 10.0.0.5-7 443\n 10.0.1.0/30 80\n fwmark 9\n 10.0.0.9-3 80\n}\n";
    const text = group + service("", server("192.168.7.10", TCP, 0), "group G");
    const { lab, left } = importKeepalived(text, [9]);
    expect(lab.services.map(({ vip, port }) => `${vip} ${port}`)).toEqual([
      ...["10.0.0.1 80", "10.0.0.5 443", "10.0.0.6 443", "10.0.0.7 443"],
      ...["10.0.1.0 80", "10.0.1.1 80", "10.0.1.2 80", "10.0.1.3 80", "10.0.0.9 80"],
    ]);
    expect(left.map(({ line }) => line)).toEqual([6]);
    expect(lab.services.at(-1)?.mark).toBe(9);
  });

  it("of all ports are a group by mark, with persistence", () => {
    const { lab } = importKeepalived(service("", server("192.168.7.10", TCP, 0), "10.0.0.1"));
    expect(lab.services[0]).toMatchObject({ persistent: 360, mark: 1 });
  });

  it("have per-server pages where only those differ", () => {
    const page = (path: string): string => `  HTTP_GET {\n   url {\n    path ${path}\n   }\n  }`;
    const { lab, left } = importKeepalived(
      service("", server("192.168.7.10", page("/a")) + "\n" + server("192.168.7.11", page("/b"))),
    );
    expect(left).toEqual([]);
    expect(lab.services[0].realServers.map(({ request }) => request)).toEqual([undefined, "/b"]);
  });

  it.each([
    ["SMTP_CHECK", "checked by connect instead"],
    ["UDP_CHECK", "ping instead"],
    ["MISC_CHECK", "ping instead"],
    ["BFD_CHECK", "ping instead"],
  ])("checked by %s: %s", (checker, reason) => {
    const { left } = importKeepalived(service("", server("192.168.7.10", `  ${checker} {\n  }`)));
    expect(left.map((each) => each.reason)).toEqual([expect.stringContaining(reason)]);
  });

  it("without a checker count as up", () =>
    expect(importKeepalived(service("", server("192.168.7.10"))).lab.services[0].check.checktype).toBe("on"));

  it("of UDP are what an address without a protocol has", () => {
    const text = service("", server("192.168.7.10", TCP)).replace(" protocol TCP\n", "");
    const { lab, left } = importKeepalived(text);
    expect(lab.services[0]).toMatchObject({ protocol: "udp", check: { checktype: "ping" } });
    expect(left).toHaveLength(1);
  });

  it("none: the file is told line by line", () =>
    expect(() => importKeepalived("vrrp_instance VI {\n state MASTER\n}")).toThrow(NothingToImport));
});

it("tells a checker that stands behind a value, where keepalived does not read it", () => {
  const text = [
    "virtual_server 203.0.113.10 80 {",
    " lb_kind DR",
    " real_server 203.0.113.21 80 { weight 2 TCP_CHECK { connect_timeout 3 } }",
    "}",
  ].join("\n");
  expect(leftOf(importKeepalived(text))).toContainEqual([
    3,
    "has more behind weight than a value: keepalived reads no further",
  ]);
});
