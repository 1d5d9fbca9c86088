/** keepalived.conf as people write it: its lexer, its defaults, and what ldirectord checks instead. */
import { describe, expect, it } from "vitest";
import { parseKeepalived, quotedWords, type Statement } from "../../../../model/import/keepalivedLexer";
import { serviceKey } from "../../../../model/lab/target";
import { readKeepalivedConf } from "../../../../model/import/keepalivedConf";
import { importStack, NothingToImport } from "../../../../model/import/stack";
import { IDENTITY, importKeepalived, leftOf } from "./support";

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
  });

  it("tells a file that includes itself, and reads it once", () => {
    const read = (text: string, files: Record<string, string>) => {
      const { statements, left } = parse(text, files);
      return [tree(statements), left.map(({ file, line, reason }) => [file, line, reason])];
    };
    expect(read("include a", { a: "x\ninclude a" })).toEqual([["x"], [["a", 2, "includes its own file"]]]);
    expect(read("include a", { a: "x\ninclude b", b: "y\ninclude a" })).toEqual([
      ["x", "y"],
      [["b", 2, "includes a file that includes this one"]],
    ]);
    const { statements, left } = parseKeepalived("x\ninclude self", () => [{ text: "x\ninclude self" }]);
    expect([tree(statements), left.map(({ reason }) => reason)]).toEqual([["x"], ["includes its own file"]]);
  });

  it("tells each block that nothing ends", () =>
    expect(parse("a {\n b {\n }\n c\n {").left.map(({ line, reason }) => [line, reason])).toEqual(
      [1, 4].map((line) => [line, "begins a block that no } ends: the rest of the file is in it"]),
    ));

  it.each([
    ['misc_path "/bin/check -p geheim"', 'misc_path "/bin/check ***'],
    ["misc_path /bin/check", "misc_path /bin/check"],
    ['notify_down "/bin/a geheim" 5', 'notify_down "/bin/a ***'],
    ["authentication { auth_type PASS auth_pass geheim }", "authentication { auth_type PASS auth_pass ***"],
    ['MISC_CHECK { misc_path "/bin/check geheim" }', 'MISC_CHECK { misc_path "/bin/check ***'],
  ])("shows no arguments and passwords: %s", (text, expected) =>
    expect(parse(text).all.map((each) => each.text)).toEqual([expected]),
  );

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
    expect(lab.mode).toBe("keepalived");
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
    // The one thing that keepalived undoes, and ldirectord does not.
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [
        9,
        expect.stringMatching(
          /^quiescent is undone by keepalived .*: the lab's director runs ldirectord instead$/,
        ),
      ],
    ]);
    expect(lab.mode).toBe("ldirectord");
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
      ...[3, 4, 6, 7, 10, 21, 21, 22, 24, 25, 27, 28, 31, 32, 33, 34, 35, 36, 40, 40, 43, 44, 46, 47],
    ]);
    expect(Object.fromEntries(told)).toMatchObject({
      4: "the lab's keepalived sends no mail",
      10: "nothing in a lab corresponds to it",
      21: "port 8080 becomes 80, the service's: Direct Routing maps no ports",
      24: "keepalived knows it in HTTP_GET and SSL_GET only",
      25: "the lab tries again after checkinterval, 1 s",
      27: "names a program of your director's, which the lab's has not until director.files brings it",
      32: "differs from line 23: a lab checks all servers of a service alike",
      33: "is of the check in line 32",
      35: "a lab's check compares no digest: any page is good",
      40: "is of another family than the VIP, and Direct Routing changes no addresses",
      43: "has no real servers",
      46: "the file does not say what bears mark 3: name it by --mark 3=VIP:PORTS",
    });
    expect(imported.lab.services[0].check).toMatchObject({ checkinterval: 1, failurecount: 2 });
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

  it("that are none are what a file lacks, and that is said first", () =>
    expect(() => importKeepalived("vrrp_instance V {\n state MASTER\n}\n")).toThrow(
      /^no service can be taken over: the file has no virtual service\n {2}line 1: vrrp_instance V/,
    ));

  it("have a number as their port, or keepalived skips them", () => {
    const reason = "has no port from 0 to 65535: keepalived skips it";
    for (const port of ["http", "8080-8090", "99999"])
      expect(() => importKeepalived(service("", server("192.168.7.10", TCP), `10.0.0.1 ${port}`))).toThrow(
        `line 1: virtual_server 10.0.0.1 ${port}: ${reason}`,
      );
    const two = server("192.168.7.10", TCP) + "\n" + server("192.168.7.11", TCP).replace(" 80", " http");
    const { left, lab } = importKeepalived(service("", two));
    expect(left[0]).toMatchObject({ text: "real_server 192.168.7.11 http", reason });
    expect(lab.services[0].realServers).toHaveLength(1);
  });

  it("by mark are checked at their servers' port, and not at the mark's first", () => {
    const of = (...ports: number[]): string =>
      service("", ports.map((port, index) => server(`192.168.7.1${index}`, TCP, port)).join(""), "fwmark 9");
    const checked = (...ports: number[]) => importKeepalived(of(...ports), [9]);
    expect(checked(443, 443)).toMatchObject({ left: [], lab: { services: [{ check: { checkport: 443 } }] } });
    expect(checked(0).lab.services[0].check.checkport).toBe(80);
    const other = checked(443, 8443);
    expect(other.lab.services[0].check.checkport).toBe(443);
    expect(other.left.map(({ reason }) => reason)).toEqual([
      "is checked at port 443: a lab checks all servers of a service alike",
    ]);
    const named = service("", server("192.168.7.10", "TCP_CHECK {\n connect_port 81\n }", 443), "fwmark 9");
    expect(importKeepalived(named, [9]).lab.services[0].check.checkport).toBe(81);
  });

  it("may name a group that stands further down, and one that none names is told", () => {
    const group = (name: string): string => `virtual_server_group ${name} {\n 10.0.0.5 443\n}\n`;
    const text = service("", server("192.168.7.10", TCP, 443), "group A") + group("A") + group("B");
    const { lab, left } = importKeepalived(text);
    expect(lab.services.map(({ vip, port }) => `${vip} ${port}`)).toEqual(["10.0.0.5 443"]);
    expect(left.map(({ line, reason }) => [line, reason])).toEqual(
      [13, 14].map((line) => [line, "no virtual server names this group"]),
    );
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
    ["UDP_CHECK", "checked by connect instead"],
    ["MISC_CHECK", "checked by connect instead"],
    ["BFD_CHECK", "checked by ping instead"],
  ])("checked by %s: %s", (checker, reason) => {
    const { lab, left } = importKeepalived(service("", server("192.168.7.10", `  ${checker} {\n  }`)));
    expect(left.map((each) => each.reason)).toContainEqual(expect.stringContaining(reason));
    expect(lab.mode).toBe("keepalived");
  });

  it("tell all lines of a check that is not taken over, and not its times", () => {
    const page =
      '  HTTP_GET {\n   url {\n    path /a\n    regex "(?{code})"\n   }\n   connect_timeout 3\n  }';
    const { lab, left } = importKeepalived(
      service("", server("192.168.7.10", page) + "\n" + server("192.168.7.11", page)),
    );
    expect(lab.services[0].check).toMatchObject({ checktype: "connect", checktimeout: 3 });
    const rest = [7, 8, 9, 15, 16, 17, 18].map((line) => [
      line,
      "is of a check that is not taken over: see line 6",
    ]);
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [6, expect.stringContaining("checked by connect instead")],
      ...rest,
    ]);
  });

  it("keep the times of a check that a lab has not, and tell statuses that it does not take", () => {
    const udp = "  UDP_CHECK {\n   connect_timeout 3\n   retry 3\n   require_reply\n  }";
    const { lab, left } = importKeepalived(service("", server("192.168.7.10", udp)).replace("TCP", "UDP"));
    expect(lab.services[0].check).toMatchObject({ checktype: "ping", checktimeout: 3, failurecount: 4 });
    expect(left.map(({ line }) => line)).toEqual([6, 9]);
    const told = (codes: string): number[] => {
      const page = `  HTTP_GET {\n   url {\n    status_code ${codes}\n   }\n  }`;
      return importKeepalived(service("", server("192.168.7.10", page))).left.map(({ line }) => line);
    };
    expect([told("200-299"), told("200-299 404"), told("200")]).toEqual([[], [8], [8]]);
  });

  it("tell the times of a server that is checked as another one is, and no pause by them", () => {
    const servers = [
      server("192.168.7.10", TCP),
      server("192.168.7.11", `  delay_loop 9\n  retry 1\n${TCP}`),
    ];
    const text = service(" delay_loop 6\n delay_before_retry 6", servers.join("\n"));
    expect(leftOf(importKeepalived(text))).toEqual([
      [11, "is of the check in line 13"],
      [12, "is of the check in line 13"],
      [13, "differs from line 7: a lab checks all servers of a service alike"],
    ]);
  });

  it("leave the last ones out where there are too many", () => {
    const text = Array.from({ length: 259 }, (_unused, index) =>
      service("", server("192.168.7.10", TCP), `10.0.0.100 ${8000 + index}`),
    ).join("\n");
    const { lab, left } = importKeepalived(text);
    expect(lab.services.map(({ port }) => port)).toEqual(
      Array.from({ length: 257 }, (_unused, index) => 8000 + index),
    );
    expect(
      left.flatMap(({ text: each, reason }) => (/more than/.test(reason) ? [[each, reason]] : [])),
    ).toEqual([
      ["virtual_server 10.0.0.100 8257", "services has more than 256 services"],
      ["virtual_server 10.0.0.100 8258", "services has more than 256 services"],
    ]);
  });

  it("let a server have its own page, also where its times are told", () => {
    const page = (path: string): string => `  HTTP_GET {\n url {\n path ${path}\n }\n`;
    const servers = [
      server("192.168.7.10", `${page("/a")} connect_timeout 3\n }`),
      server("192.168.7.11", `${page("/b")} connect_timeout 4\n }`),
    ];
    const { lab, left } = importKeepalived(service("", servers.join("\n")));
    expect(lab.services[0].check).toMatchObject({ request: "/a", checktimeout: 3 });
    expect(lab.services[0].realServers[1]).toMatchObject({ request: "/b" });
    expect(
      left.filter(({ reason }) => /check/.test(reason)).map(({ text, reason }) => [text, reason]),
    ).toEqual([
      ["HTTP_GET", expect.stringContaining("differs from line")],
      ["connect_timeout 4", expect.stringContaining("is of the check in line")],
    ]);
  });

  it("are read once more only where ldirectord can check what keepalived cannot", () => {
    const page = '  HTTP_GET {\n   url {\n    path /a\n    regex "(?{code})"\n   }\n  }';
    const text = service("", server("192.168.7.10", page));
    const otherwise = (): never => {
      throw new Error("read again");
    };
    const source = { ...readKeepalivedConf(text, () => []), otherwise };
    expect(importStack(source, IDENTITY, new Map()).lab.services[0].check.checktype).toBe("connect");
  });

  it("that are left out are told with every line, and those of a group by its entry", () => {
    const ssh = service(" delay_loop 3", server("192.168.7.10", TCP, 22), "10.0.0.1 22");
    const web = service(" delay_loop 3", server("192.168.7.10", TCP), "10.0.0.1 80");
    const both = importKeepalived(web + ssh);
    expect(both.left.map(({ line }) => line)).toEqual([10, 11, 12, 13, 14, 15]);
    const grouped = importKeepalived(
      "virtual_server_group G {\n 10.0.0.1 80\n 10.0.0.1 22\n 10.0.0.1 80\n}\n" +
        service("", server("192.168.7.10", TCP, 0), "group G"),
    );
    expect(leftOf(grouped)).toEqual([
      [3, expect.stringMatching(/^port /)],
      [4, "is the service of line 2 again"],
    ]);
  });

  it("tell what keepalived does not read: values further on, earlier ones, other checkers'", () => {
    const page = '  HTTP_GET {\n   url {\n    path /ab regex "x"\n   }\n   retry 2\n   retry 3\n  }';
    expect(
      leftOf(importKeepalived(service(" delay_loop 3\n delay_loop 4", server("192.168.7.10", page)))),
    ).toEqual([
      [4, "is said again in line 5, which counts"],
      [9, "has more behind path than a value: keepalived reads no further"],
      [11, "is said again in line 12, which counts"],
    ]);
    const connect = service(" virtualhost a\n delay_before_retry 7", server("192.168.7.10", TCP));
    expect(leftOf(importKeepalived(connect))).toEqual([
      [4, "is read by HTTP_GET and SSL_GET only"],
      [5, "the lab tries again after checkinterval, 60 s"],
    ]);
  });

  it("whose page no server of the lab's can have need a workload, or another request", () => {
    const needs = (url: string): readonly string[] =>
      importKeepalived(service("", server("192.168.7.10", `  HTTP_GET {\n   url {\n${url}\n   }\n  }`)))
        .needs;
    expect(needs('    path "/a b"')).toEqual([expect.stringMatching(/or another request$/)]);
    expect(needs('    path /a\n    regex "(?=x)y"')).toEqual([expect.stringMatching(/or another receive$/)]);
    expect(needs("    path /a")).toEqual([]);
  });

  it("have no mark 0", () =>
    expect(() => importKeepalived(service("", server("192.168.7.10", TCP, 0), "fwmark 0"))).toThrow(
      "line 1: virtual_server fwmark 0: 0 is not a firewall mark",
    ));

  it("that include one file take its lines over once", () => {
    const servers = ["192.168.7.10", "192.168.7.11"].map((each) => server(each, "  include tcp.conf"));
    const { taken, lab } = importKeepalived(service("", servers.join("\n")), [], {
      "tcp.conf": "# A comment\nTCP_CHECK {\n connect_timeout 3\n}\n",
    });
    expect(lab.services[0].check).toMatchObject({ checktype: "connect", checktimeout: 3 });
    expect(taken.flatMap(({ file, line }) => (file === undefined ? [] : [line]))).toEqual([2, 3]);
  });

  it("checked by several are checked by the first that a lab has", () => {
    const misc = "  MISC_CHECK {\n   misc_path /bin/a\n  }\n";
    const { lab, left } = importKeepalived(service("", server("192.168.7.10", misc + TCP)));
    expect(lab.services[0].check.checktype).toBe("connect");
    expect(left.map(({ line, reason }) => [line, reason])).toEqual(
      [6, 7].map((line) => [
        line,
        "names a program of your director's, which the lab's has not until director.files brings it",
      ]),
    );
  });

  it.each<[string, string, unknown, number[]]>([
    ["one rhythm", "", { checktype: 1, checkinterval: 4 }, []],
    ["every third", "   delay_loop 12\n", { checktype: 3, checkinterval: 4 }, []],
    ["no whole number", "   delay_loop 7\n", { checktype: "connect", checkinterval: 4 }, [8, 9, 10, 12, 13]],
  ])("of connects and questions: %s", (_what, delay, check, told) => {
    const both = `${TCP}\n  HTTP_GET {\n   url {\n    path /x\n   }\n${delay}   connect_timeout 9\n  }`;
    const { lab, left } = importKeepalived(service(" delay_loop 4", server("192.168.7.10", both)));
    expect(lab.services[0].check).toMatchObject(check as object);
    expect(left.map(({ line }) => line)).toEqual(told);
    if (told.length === 0)
      expect(lab.services[0].check).toMatchObject({ checktimeout: 5, negotiatetimeout: 9 });
  });

  it("that keepalived, as a lab has it, cannot check have ldirectord, with the reason", () => {
    const dns = "  DNS_CHECK {\n   type A\n   name www.example.com\n  }";
    const udp = service("", server("192.168.7.10", dns, 53), "10.0.0.1 53").replace("TCP", "UDP");
    const head = "global_defs {\n notification_email {\n  ops@example.com\n }\n smtp_server mail\n}\n";
    const { lab, left } = importKeepalived(head + udp);
    expect(lab.mode).toBe("ldirectord");
    expect(lab.services[0].check).toMatchObject({ checktype: "negotiate", service: "dns" });
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [
        12,
        "service is not a protocol that keepalived can check: dns: the lab's director runs ldirectord instead",
      ],
    ]);
    // Which sends alerts.
    expect(lab.ldirectord).toMatchObject({ emailalert: ["ops@example.com"], smtp: "mail" });
  });

  it("repeat a failed check after delay_loop", () => {
    const checker = (seconds: number): string => `  TCP_CHECK {\n   delay_before_retry ${seconds}\n  }`;
    const told = (seconds: number): number =>
      importKeepalived(service(" alpha\n delay_loop 3", server("192.168.7.10", checker(seconds)))).left
        .length;
    expect([told(3), told(2)]).toEqual([0, 1]);
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

describe("IPv6", () => {
  const ofGroup = (entries: string): string => `virtual_server_group G {\n${entries}}\n`;
  const SIX = service(
    "",
    server("2001:db8:7::A", TCP) + "\n" + server("2001:DB8:7:0::b", TCP),
    "2001:db8::1 80",
  );

  it("alone is taken over at its addresses", () => {
    const { lab, left, mapped } = importKeepalived(SIX);
    expect([left, mapped, lab.mode]).toEqual([[], [], "keepalived"]);
    expect(lab).toMatchObject({
      vip6Cidr: "2001:db8::/64",
      services: [{ name: "main", vip: "2001:db8::1", port: 80 }],
    });
    expect(lab.services[0].realServers.map(({ address }) => address)).toEqual([
      "2001:db8:7::a",
      "2001:db8:7::b",
    ]);
    expect(lab.segments.server.cidr6).toBe("2001:db8:7::/64");
  });

  it("beside IPv4 has the same machines", () => {
    const four = service("", server("192.168.7.10", TCP) + "\n" + server("192.168.7.11", TCP));
    const { lab, left, paired } = importKeepalived(four + SIX);
    expect(left).toEqual([]);
    expect(lab.services.map(({ name, vip }) => [name, vip])).toEqual([
      ["main", "10.0.0.1"],
      ["main-v6", "2001:db8::1"],
    ]);
    expect(lab.realServers.map(({ name, address, address6 }) => [name, address, address6])).toEqual([
      ["rs1", "192.168.7.10", "2001:db8:7::a"],
      ["rs2", "192.168.7.11", "2001:db8:7::b"],
    ]);
    expect(paired).toEqual(["rs1: 192.168.7.10 and 2001:db8:7::a", "rs2: 192.168.7.11 and 2001:db8:7::b"]);
  });

  it("of ranges, whose end is hexadecimal, and of marks in both families", () => {
    const servers = server("2001:db8:7::a", TCP, 0);
    const text =
      ofGroup(
        " 2001:db8::9-b 80\n 2001:db8::20-2001:db8::21 80\n 2001:db8::30/127 80\n 2001:db8::5-4 80\n  fwmark 8\n",
      ) +
      service(" persistence_timeout 60\n persistence_granularity 64", servers, "group G") +
      service("", server("192.168.7.10", TCP, 0), "fwmark 8");
    const { lab, left } = importKeepalived(text, [8]);
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [5, "is not a range of up to 256 addresses"],
    ]);
    expect(lab.services.map((each) => serviceKey(each)).sort()).toEqual(
      [
        ...["9", "a", "b", "20", "21", "30", "31"].map((host) => `tcp [2001:db8::${host}]:80`),
        ...["fwm 8", "fwm 8 -6"],
      ].sort(),
    );
    expect(lab.services.find(({ vip }) => vip === "2001:db8::a")).toMatchObject({
      persistent: 60,
      netmask: "64",
    });
  });

  it("has networks as large as VRRP's addresses say, and a second director", () => {
    const vrrp =
      "vrrp_instance V {\n virtual_router_id 9\n virtual_ipaddress {\n  fe80::1\n  2001:db8::1/60\n }\n}\n";
    const { lab, left } = importKeepalived(vrrp + SIX.replaceAll(/2001:db8:7:/gi, "2001:db9:7:"));
    expect(lab.vip6Cidr).toBe("2001:db8::/60");
    expect(lab.directors).toHaveLength(2);
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([[4, "is no service's address"]]);
  });

  it("is pinged by keepalived, and not by ldirectord", () => {
    const ping = (body: string): string =>
      SIX.replaceAll(TCP, "  PING_CHECK {\n  }").replace(" lb_kind DR", ` lb_kind DR\n${body}`);
    expect(importKeepalived(ping("")).lab).toMatchObject({
      mode: "keepalived",
      services: [{ check: { checktype: "ping" } }],
    });
    const undone = ping(" inhibit_on_failure\n sorry_server ::1 80");
    const { lab, left } = importKeepalived(undone);
    expect(lab).toMatchObject({
      mode: "ldirectord",
      services: [{ check: { checktype: "connect" }, sorry: { address: "::1" } }],
    });
    expect(left.map(({ line }) => line)).toEqual([4, 8, 12]);
    // There is nothing else to ask over UDP.
    const udp = importKeepalived(undone.replace("TCP", "UDP").replace("::1 80\n", "2001:db8:7::99 80\n"));
    expect(udp.lab.services[0]).toMatchObject({
      check: { checktype: "on" },
      sorry: { address: "2001:db8:7::99" },
    });
  });
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

/** What public files are like, at other addresses; docs/reference/import-files.md lists them. */
describe("of public files", () => {
  const UNTOLD = "status_code 200";
  const page = (more = ""): string =>
    `  HTTP_GET {\n   url {\n    path /health\n    ${UNTOLD}\n   }\n${more}  }`;
  const both = (one: string, other: string, check: string, port?: number): string =>
    [one, other].map((each) => server(each, check, port)).join("\n");
  const instance = (name: string, addresses: string, excluded = ""): string =>
    `vrrp_instance ${name} {\n virtual_ipaddress {\n  ${addresses}\n }\n${excluded}}\n`;

  it("both families among the servers, IPv6 as what the instance of IPv4 carries beside", () => {
    const excluded = " virtual_ipaddress_excluded {\n  fd00:7::100/128 dev eth0\n }\n";
    const { lab, left, paired } = importKeepalived(
      instance("V", "192.168.7.100/24 dev eth0", excluded) +
        service("", both("192.168.7.5", "192.168.7.6", TCP), "192.168.7.100 80") +
        service("", both("fd00:7::5", "fd00:7::6", TCP), "fd00:7::100 80"),
    );
    expect(left).toEqual([]);
    expect(lab.directors).toHaveLength(2);
    expect(paired).toHaveLength(2);
    expect([lab.vipCidr, lab.vip6Cidr]).toEqual(["192.168.7.0/24", "fd00:7::/64"]);
    expect(lab.realServers.map(({ address, address6 }) => [address, address6])).toEqual([
      ["192.168.7.5", "fd00:7::5"],
      ["192.168.7.6", "fd00:7::6"],
    ]);
  });

  it("an instance a family, which move together", () => {
    const [four, six] = [instance("V4", "10.0.0.1/24"), instance("V6", "2001:db8::1/64")];
    const group = "vrrp_sync_group G {\n group {\n  V4\n  V6\n }\n}\n";
    const services =
      service("", both("10.1.0.5", "10.1.0.6", TCP), "10.0.0.1 80") +
      service("", both("2001:db8:1::5", "2001:db8:1::6", TCP), "2001:db8::1 80");
    const { lab, left } = importKeepalived(four + six + group + services);
    expect(left).toEqual([]);
    expect(lab.directors).toHaveLength(2);
    // One that is not like the first, or is grouped with what is not there, would move by itself.
    const other = six.replace("{", "{\n virtual_router_id 52");
    expect(other).not.toBe(six);
    const apart = importKeepalived(four + other + group + services).left.map(({ reason }) => reason);
    expect(new Set(apart)).toEqual(new Set([expect.stringMatching(/^of VRRP one instance's/)]));
    expect(apart).toHaveLength(8);
  });

  it("an instance a family, and a group of one address of IPv6", () => {
    const { lab, left } = importKeepalived(
      `${instance("V4", "10.0.0.1/24")}${instance("V6", "fe80::53/64\n  2001:db8::1/64")}virtual_server_group G {\n 2001:db8::1 80\n}\n` +
        service(
          " delay_loop 5",
          both("2001:db8:1::10", "2001:db8:1::11", page("   delay_before_retry 5\n")),
          "group G",
        ),
    );
    expect(lab).toMatchObject({ mode: "keepalived", vip6Cidr: "2001:db8::/64" });
    expect(lab.segments.server.cidr6).toBe("2001:db8:1::/64");
    expect(left.filter(({ line }) => line > 12).map(({ text }) => text)).toEqual([UNTOLD, UNTOLD]);
  });

  it("TCP and UDP at one VIP and port, by tunnels, checked at another port", () => {
    const check = "  TCP_CHECK {\n   connect_port 9090\n  }";
    const one = (protocol: string): string =>
      service(" alpha", both("2001:db8:20::2", "2001:db8:30::2", check, 8080), "2001:db8:ff::1 8080")
        .replace("DR", "TUN")
        .replace("TCP", protocol);
    const { lab, left, needs } = importKeepalived(one("TCP") + one("UDP"));
    expect(
      lab.services.map((each) => [serviceKey(each), each.check.checktype, each.check.checkport]),
    ).toEqual([
      ["tcp [2001:db8:ff::1]:8080", "connect", 9090],
      ["udp [2001:db8:ff::1]:8080", "ping", 9090],
    ]);
    expect(new Set(left.map(({ reason }) => reason))).toEqual(
      new Set([
        "TUN becomes DR: a lab is Direct Routing",
        "of a lab's UDP service nothing accepts connections",
        "of a lab's UDP service nothing accepts connections; checked by ping instead",
      ]),
    );
    expect(needs).toHaveLength(1);
  });

  it("UDP to other ports, checked by programs", () => {
    const misc = '  MISC_CHECK {\n   misc_path "/usr/bin/check.sh"\n   misc_timeout 5\n  }';
    const { lab, left } = importKeepalived(
      service("", server("fd00:7::5", misc, 2222), "fd00:7::1 7777")
        .replace("TCP", "udp")
        .replace("DR", "NAT"),
    );
    expect(lab.services[0]).toMatchObject({ protocol: "udp", port: 7777, check: { checktype: "ping" } });
    expect(left.map(({ line }) => line)).toEqual([5, 5, 6, 7, 8]);
  });

  it("one of two servers that is inhibited, one-packet scheduling of TCP, and quorum's programs", () => {
    const { lab, left } = importKeepalived(
      service(
        ' quorum 1\n hysteresis 0\n quorum_up "/etc/up"\n ops',
        `${server("2001:db8:7::2", `  inhibit_on_failure\n${page()}`)}\n${server("2001:db8:7::3", page())}`,
        "2001:db8::1 80",
      ),
    );
    expect(lab.services[0]).toMatchObject({ quiescent: false, ops: false });
    expect(left.map(({ text }) => text.replace(/ .*/, ""))).toEqual([
      ...["hysteresis", "quorum_up", "ops", "inhibit_on_failure", "status_code", "status_code"],
    ]);
  });

  it("an own forwarding method and its local addresses, which no keepalived of Debian's has", () => {
    const { lab, left } = importKeepalived(
      `local_address_group L {\n 2001:db8::2 dpdk0\n}\n${service(" laddr_group_name L", server("2001:db8::3", TCP), "2001:db8::1 80").replace("DR", "FNAT")}`,
    );
    expect(lab.services[0]).toMatchObject({ vip: "2001:db8::1" });
    expect(left.map(({ line, reason }) => [line, reason])).toEqual([
      [1, "nothing in a lab corresponds to it"],
      [2, "nothing in a lab corresponds to it"],
      [6, "is none of NAT, DR and TUN: keepalived takes NAT"],
      [7, "nothing in a lab corresponds to it"],
      [8, "NAT becomes DR: a lab is Direct Routing"],
    ]);
  });

  it("words that stand for addresses", () => {
    const text = `virtual_server_group G {\n 2001:db8::vip 80\n}\n${service("", server("2001:db8::server1", page()), "group G")}`;
    expect(() => importKeepalived(text)).toThrow(
      "line 2: 2001:db8::vip 80: is not an address: keepalived skips it",
    );
  });
});
