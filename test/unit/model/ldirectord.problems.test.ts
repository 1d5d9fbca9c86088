import { describe, expect, it } from "vitest";
import { renderLdirectord, type LdirectordConf, type VirtualBlock } from "../../../model/ldirectord";
import { ldirectordProblems } from "../../../model/ldirectordCheck";

/** A sound file of one block, with something changed. */
function conf(block: Partial<VirtualBlock> = {}, top: Partial<LdirectordConf> = {}): LdirectordConf {
  const sound: VirtualBlock = {
    target: { address: "127.0.0.100", port: 80 },
    family: 4,
    reals: [{ address: "127.0.0.10", port: 80, forward: "gate", weight: 1 }],
    options: { protocol: "tcp" },
  };
  return { options: { fork: true }, virtuals: [{ ...sound, ...block }], ...top };
}

const real = { address: "127.0.0.10", port: 80, forward: "gate", weight: 1 } as const;
const six = { family: 6, target: { address: "2001:db8::100", port: 80 }, reals: [] } as const;
const mark = (family: 4 | 6) =>
  conf({ target: { fwmark: 7 }, family, reals: [], options: { checktype: "on" } }).virtuals;
const AT = "virtual 127.0.0.100:80";

describe("ldirectordProblems", () => {
  it("finds none in a sound file", () => expect(ldirectordProblems(conf())).toEqual([]));

  it("finds none where each real server brings what its check asks, or nothing is negotiated", () => {
    const check = { request: "a", receive: "b" };
    expect(ldirectordProblems(conf({ options: { service: "ftp" }, reals: [{ ...real, check }] }))).toEqual(
      [],
    );
    expect(ldirectordProblems(conf({ options: { service: "ftp", checktype: "connect" } }))).toEqual([]);
  });

  it("takes a mark of each family, udp and tcp of one port, and ranges beside each other", () => {
    expect(ldirectordProblems(conf({}, { virtuals: [...mark(4), ...mark(6)] }))).toEqual([]);
    const at53 = { target: { address: "127.0.0.100", port: 53 }, reals: [] };
    const both = [{}, { protocol: "tcp" }].map((protocol) => ({ checktype: "on", ...protocol }));
    const virtuals = both.flatMap((options) => conf({ ...at53, options }).virtuals);
    expect(ldirectordProblems(conf({}, { virtuals }))).toEqual([]);
    const reals = [
      { ...real, to: "127.0.0.12" },
      { ...real, address: "127.0.0.13" },
    ];
    expect(ldirectordProblems(conf({ reals }))).toEqual([]);
  });

  const cases: [string, LdirectordConf, string][] = [
    [
      "a line break",
      conf({ options: { request: "a\nb" } }),
      `${AT}: request would corrupt ldirectord.cf at position 2`,
    ],
    [
      "a quote",
      conf({ options: { receive: '"' } }),
      `${AT}: receive would corrupt ldirectord.cf at position 1`,
    ],
    [
      "a hash",
      conf({ options: { comment: "no #1" } }),
      `${AT}: comment would corrupt ldirectord.cf at position 4`,
    ],
    ["a tab", conf({ options: { login: "a\tb" } }), `${AT}: login would corrupt ldirectord.cf at position 2`],
    [
      "a space at the end",
      conf({ options: { servicename: "a " } }),
      `${AT}: servicename is empty, or starts or ends with a space`,
    ],
    [
      "a quote in a pair",
      conf({ reals: [{ ...real, check: { request: "a", receive: 'b"' } }] }),
      `${AT} real 127.0.0.10: receive would corrupt ldirectord.cf at position 2`,
    ],
    [
      "a global option in a block",
      conf({ options: { fork: true } as never }),
      `${AT}: fork is no option here`,
    ],
    [
      "a block's option at the top",
      conf({}, { options: { fork: true, scheduler: "rr" } as never }),
      "global: scheduler is no option here",
    ],
    ["an unknown option", conf({ options: { wrong: 1 } as never }), `${AT}: wrong is no option here`],
    ["a number out of range", conf({ options: { checkport: 0 } }), `${AT}: checkport is not 1–65535`],
    ["no number", conf({ options: { checktimeout: 1.5 } }), `${AT}: checktimeout is not 1–2147483647`],
    ["no truth value", conf({}, { options: { fork: "yes" as never } }), "global: fork is not true or false"],
    [
      "an unknown service",
      conf({ options: { service: "gopher" } }),
      `${AT}: service has not the form that ldirectord takes`,
    ],
    [
      "an unknown check",
      conf({ options: { checktype: "0" } }),
      `${AT}: checktype has not the form that ldirectord takes`,
    ],
    ["an empty list", conf({}, { options: { fork: true, emailalert: [] } }), "global: emailalert is empty"],
    [
      "a mapped port",
      conf({ reals: [{ ...real, port: 81 }] }),
      `${AT} real 127.0.0.10: gate cannot map ports: the port must be the service's`,
    ],
    [
      "a weight",
      conf({ reals: [{ ...real, weight: 65536 }] }),
      `${AT} real 127.0.0.10: the weight is not 0–65535`,
    ],
    ["a name", conf({ reals: [{ ...real, address: "rs1" }] }), `${AT} real rs1: is no IPv4 address`],
    [
      "a backward range",
      conf({ reals: [{ ...real, to: "127.0.0.9" }] }),
      `${AT} real 127.0.0.10: the range ends before it starts`,
    ],
    [
      "a range that ldirectord counts wrongly",
      conf({ reals: [{ ...real, address: "59.154.201.250", to: "59.154.202.5" }] }),
      `${AT} real 59.154.201.250: the range crosses a power of ten`,
    ],
    [
      "a range that ldirectord would count past its end for ever",
      conf({ reals: [{ ...real, address: "59.154.201.250", to: "59.154.201.255" }] }),
      `${AT} real 59.154.201.250: the range crosses a power of ten`,
    ],
    ["a server twice", conf({ reals: [real, real] }), `${AT} real 127.0.0.10:80: is there twice`],
    [
      "a server in a range",
      conf({
        reals: [
          { ...real, to: "127.0.0.15" },
          { ...real, address: "127.0.0.12" },
        ],
      }),
      `${AT} real 127.0.0.12:80: is there twice`,
    ],
    [
      "a range in a range",
      conf({
        reals: [
          { ...real, address: "127.0.0.12", to: "127.0.0.20" },
          { ...real, to: "127.0.0.12" },
        ],
      }),
      `${AT} real 127.0.0.10:80: is there twice`,
    ],
    [
      "thresholds out of order",
      conf({ reals: [{ ...real, lowerThreshold: 6, upperThreshold: 5 }] }),
      `${AT} real 127.0.0.10: the lower threshold is above the upper one`,
    ],
    [
      "a lone lower threshold",
      conf({ reals: [{ ...real, lowerThreshold: 1 }] }),
      `${AT} real 127.0.0.10: a lower threshold needs an upper one`,
    ],
    ["another family", conf({ family: 6 }), "virtual6 127.0.0.100:80: is no IPv6 address"],
    [
      "IPv4 written as IPv6",
      conf({ family: 6, target: { address: "::ffff:1.2.3.4", port: 80 }, reals: [] }),
      "virtual6 ::ffff:1.2.3.4:80: is no IPv6 address",
    ],
    [
      "an IPv6 netmask beyond 128",
      conf({ ...six, options: { persistent: 1, netmask: "200" } }),
      "virtual6 2001:db8::100:80: netmask has not the form for IPv6",
    ],
    [
      "port 0",
      conf({ target: { address: "127.0.0.100", port: 0 }, reals: [] }),
      "virtual 127.0.0.100:0: has a port outside 1–65535",
    ],
    ["mark 0", conf({ target: { fwmark: 0 }, options: {} }), "virtual 0: a firewall mark is above 0"],
    ["a mark with tcp", conf({ target: { fwmark: 1 } }), "virtual 1: a firewall mark has protocol fwm"],
    [
      "fwm without a mark",
      conf({ options: { protocol: "fwm" } }),
      `${AT}: an address has protocol tcp or udp`,
    ],
    ["ops of tcp", conf({ options: { protocol: "tcp", ops: true } }), `${AT}: ops is for udp`],
    [
      "a lone netmask",
      conf({ options: { netmask: "255.255.255.0" } }),
      `${AT}: netmask has no effect without persistent`,
    ],
    [
      "an IPv6 netmask",
      conf({ options: { persistent: 1, netmask: "64" } }),
      `${AT}: netmask has not the form for IPv4`,
    ],
    [
      "an ignored interval",
      conf({ options: { checkinterval: 5 } }, { options: {} }),
      `${AT}: checkinterval of one virtual is ignored without fork=yes`,
    ],
    [
      "HEAD with receive",
      conf({ options: { httpmethod: "HEAD", receive: "x" } }),
      `${AT}: receive cannot match the answer to HEAD`,
    ],
    [
      "HEAD with a server's receive",
      conf({ options: { httpmethod: "HEAD" }, reals: [{ ...real, check: { request: "a", receive: "b" } }] }),
      `${AT}: receive cannot match the answer to HEAD`,
    ],
    [
      "external alone",
      conf({ options: { checktype: "external" } }),
      `${AT}: external checks need checkcommand`,
    ],
    [
      "external-perl alone",
      conf({ options: { checktype: "external-perl" } }),
      `${AT}: external-perl checks need checkcommand`,
    ],
    [
      "a pop check that logs nobody in",
      conf({ options: { checktype: "negotiate", service: "pop", passwd: "p" } }),
      `${AT}: a pop check without login takes a dead server for alive`,
    ],
    [
      "an ftp check that expects nothing",
      conf({ options: { service: "ftp", request: "a" } }),
      `${AT}: a ftp check without receive takes a dead server for alive`,
    ],
    [
      "a dns check that expects nothing",
      conf({ options: { checktype: "3", service: "dns", request: "a" } }),
      `${AT}: a dns check without receive takes every server for dead`,
    ],
    [
      "a radius check without its secret",
      conf({ options: { service: "radius", login: "a", passwd: "b" } }),
      `${AT}: a radius check without secret takes every server for dead`,
    ],
    [
      "a negotiation with nobody",
      conf({ options: { service: "none" } }),
      `${AT}: a negotiate check of service none takes a dead server for alive: say connect`,
    ],
    [
      "a mark whose servers nobody asks",
      conf({ target: { fwmark: 7 }, options: {} }),
      "virtual 7: a negotiate check of service none takes a dead server for alive: say connect",
    ],
    [
      "a port whose protocol needs what is not there",
      conf({ target: { address: "127.0.0.100", port: 110 }, reals: [{ ...real, port: 110 }] }),
      "virtual 127.0.0.100:110: a pop check without login takes a dead server for alive",
    ],
    [
      "connects, and then a negotiation with nobody, which would bring a dead server back",
      conf({ options: { checktype: "3", service: "none" } }),
      `${AT}: a negotiate check of service none takes a dead server for alive: say connect`,
    ],
    [
      "an SQL check without a query",
      conf({ options: { service: "mysql", login: "u", database: "d" } }),
      `${AT}: a mysql check without request takes every server for dead`,
    ],
    [
      "a proxy that is asked for nothing",
      conf({ options: { service: "http_proxy" } }),
      `${AT}: a http_proxy check without request takes every server for dead`,
    ],
    [
      "a global fallback beside a mark",
      conf(
        { target: { fwmark: 7 }, reals: [real], options: {} },
        { fallback: { address: "127.0.0.1", port: 80 } },
      ),
      "virtual 7: a global fallback adds a server without address to a firewall mark",
    ],
    [
      "a fallback by name",
      conf({ fallback: { address: "sorry", port: 70000 } }),
      `${AT} fallback: is no IPv4 address`,
    ],
    [
      "a service twice",
      conf({}, { virtuals: [...conf().virtuals, ...conf().virtuals] }),
      `tcp ${AT}: is there twice`,
    ],
    [
      "a service twice, once with the protocol that goes without saying",
      conf({}, { virtuals: [...conf().virtuals, ...conf({ options: {} }).virtuals] }),
      `tcp ${AT}: is there twice`,
    ],
    ["a mark twice", conf({}, { virtuals: [...mark(4), ...mark(4)] }), "fwm virtual 7: is there twice"],
  ];

  it.each(cases)("names %s", (_name, faulty, problem) => {
    expect(ldirectordProblems(faulty)).toContain(problem);
    expect(() => renderLdirectord(faulty)).toThrow(problem);
  });
});
