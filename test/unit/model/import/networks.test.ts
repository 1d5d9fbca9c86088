import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeAddresses, nodeAddresses6, placeAddresses, placeSix } from "../../../../model/import/networks";
import { Address, Prefix } from "../../../../model/lab/address";

/** Networks of the servers and, by VIP, of the VIPs; and what moved. */
function placed(servers: string[], vips: string[], known: string[] = []): unknown {
  const { serverCidr, vipNetworks, moved } = placeAddresses(servers, vips, known, "imported");
  return [
    serverCidr,
    Object.fromEntries([...vipNetworks].map(([vip, network]) => [vip, String(network)])),
    Object.fromEntries(moved),
  ];
}

describe("addresses stay as they are", () => {
  it.each<[string, string[], string[], string[], unknown[]]>([
    [
      "among the servers",
      ["192.168.6.2", "192.168.6.3"],
      ["192.168.6.240"],
      [],
      ["192.168.6.0/24", { "192.168.6.240": "192.168.6.0/24" }, {}],
    ],
    [
      "in a network of their own",
      ["192.168.7.10"],
      ["10.0.0.100"],
      [],
      ["192.168.7.0/24", { "10.0.0.100": "10.0.0.0/24" }, {}],
    ],
    [
      "in one that the file names",
      ["192.168.7.10"],
      ["10.0.0.100"],
      ["10.0.0.0/8"],
      ["192.168.7.0/24", { "10.0.0.100": "10.0.0.0/8" }, {}],
    ],
    [
      "alone where the file says so",
      ["192.168.7.10"],
      ["10.0.0.100", "10.1.0.100", "192.168.7.200"],
      ["10.0.0.100/32", "192.168.7.200/32"],
      [
        "192.168.7.0/24",
        { "10.0.0.100": "10.0.0.100/32", "10.1.0.100": "10.1.0.0/24", "192.168.7.200": "192.168.7.0/24" },
        {},
      ],
    ],
    [
      "alone where their usual network is the servers'",
      ["10.86.232.18", "10.86.233.19"],
      ["10.86.240.1", "203.0.113.0"],
      [],
      ["10.86.232.0/23", { "10.86.240.1": "10.86.240.0/24", "203.0.113.0": "203.0.113.0/32" }, {}],
    ],
    [
      "alone, with those beside it, where the router would be",
      ["192.168.7.10"],
      ["10.0.0.100", "10.0.0.200", "10.0.1.1"],
      [],
      [
        "192.168.7.0/24",
        { "10.0.0.100": "10.0.0.100/32", "10.0.0.200": "10.0.0.200/32", "10.0.1.1": "10.0.1.0/24" },
        {},
      ],
    ],
    [
      "at the end of the usual network",
      ["192.168.6.255", "192.168.7.0"],
      ["10.0.0.100"],
      [],
      ["192.168.6.0/23", { "10.0.0.100": "10.0.0.0/24" }, {}],
    ],
  ])("%s", (_where, servers, vips, known, expected) =>
    expect(placed(servers, vips, known)).toEqual(expected),
  );

  it("but for servers without a network in common, which move to that of most", () => {
    expect(placed(["172.16.0.10", "172.16.0.11", "192.168.7.10"], ["172.16.0.100"])).toEqual([
      "172.16.0.0/24",
      { "172.16.0.100": "172.16.0.0/24" },
      { "192.168.7.10": "172.16.0.12" },
    ]);
  });

  it("and for names, which get one", () => {
    expect(placed(["240.0.0.1", "240.0.0.2"], ["192.168.7.5"])).toEqual([
      "192.168.77.0/24",
      { "192.168.7.5": "192.168.7.0/24" },
      { "240.0.0.1": "192.168.77.11", "240.0.0.2": "192.168.77.12" },
    ]);
  });
});

it("two stacks have clients in networks of their own", () => {
  const of = (stack: string): string => placeAddresses(["192.168.7.10"], ["10.0.0.1"], [], stack).clientCidr;
  expect(new Set(["a", "b", "prod", "imported"].map(of)).size).toBe(4);
  expect(of("a")).toBe(of("a"));
});

it("the router and the director make way for who is at their usual addresses", () => {
  expect(
    nodeAddresses("192.168.7.0/24", ["192.168.7.200", "192.168.7.30"], {
      host: 1,
      router: 200,
      director: 30,
    }),
  ).toEqual({
    router: "192.168.7.201",
    director: "192.168.7.31",
  });
});

describe("addresses of IPv6 stay as they are", () => {
  const places = (servers: string[], vips: string[], known: string[] = []): unknown => {
    const { serverCidr, vipCidr, moved } = placeSix(servers, vips, known, "imported");
    return [serverCidr, vipCidr, Object.fromEntries(moved)];
  };
  it.each<[string, string[], string[], string[], unknown[]]>([
    ["among the servers", ["2001:db8::5"], ["2001:db8::1"], [], ["2001:db8::/64", "2001:db8::/64", {}]],
    ["in a network of their own", ["fd00:7::5"], ["fd00:10::1"], [], ["fd00:7::/64", "fd00:10::/64", {}]],
    [
      "in one that the file names",
      ["fd00:7::5"],
      ["fd00:10::1"],
      ["fd00:10::/48"],
      ["fd00:7::/64", "fd00:10::/48", {}],
    ],
    [
      "in two /64",
      ["fd00:7::5"],
      ["fd00:10:0:1::1", "fd00:10:0:2::1"],
      [],
      ["fd00:7::/64", "fd00:10::/62", {}],
    ],
    [
      "some among the servers, some not: one network holds all of them",
      ["2001:db8:0:1::5"],
      ["2001:db8:0:1::1", "2001:db8:0:2::1"],
      [],
      ["2001:db8::/62", "2001:db8::/62", {}],
    ],
    ["at the first of their network", ["fd00:7::5"], ["fd00:7::"], [], ["fd00:6::/31", "fd00:6::/31", {}]],
  ])("%s", (_where, servers, vips, known, expected) =>
    expect(places(servers, vips, known)).toEqual(expected),
  );

  it("but for those without a network in common, link-local ones, and names", () => {
    expect(places(["fd00:7::5", "2001:db8::5", "fd00:7::6"], ["3fff::1", "fe80::1"])).toEqual([
      "fd00:7::/64",
      "3fff::/64",
      { "2001:db8::5": "fd00:7::11", "fe80::1": "3fff::100" },
    ]);
    expect(places(["::f0:1"], ["fd00:7::1"])).toEqual([
      "fd00:77::/64",
      "fd00:7::/64",
      { "::f0:1": "fd00:77::11" },
    ]);
  });

  it("and two stacks have clients apart", () => {
    const of = (stack: string): string => placeSix(["fd00:7::5"], ["fd00:10::1"], [], stack).clientCidr;
    expect(of("a")).toMatch(/^fd[\da-f:]+::\/64$/);
    expect(of("a")).not.toBe(of("b"));
  });

  it("nodes make way for who has their addresses by rule", () => {
    const fours = { router: "192.168.7.200", director: "192.168.7.30" };
    expect(nodeAddresses6("fd00:7::/64", ["fd00:7::30"], "192.168.7.0/24", fours)).toEqual({
      director: "fd00:7::31",
    });
  });
});

describe("an address is one machine's or one service's", () => {
  /** Close to one another and far away, at a network's ends, where nodes usually are, and what stands for names. */
  const four = fc
    .tuple(
      fc.constantFrom(
        "10.0.0",
        "10.0.1",
        "10.9.0",
        "192.168.7",
        "203.0.113",
        "240.0.0",
        "241.0.0",
        "169.254.1",
      ),
      fc.oneof(fc.constantFrom(0, 1, 11, 12, 29, 30, 100, 200, 255), fc.nat(255)),
    )
    .map(([network, host]) => `${network}.${host}`);
  const six = fc
    .tuple(
      fc.constantFrom("fd00:7", "fd00:7:0:1", "fd00:10", "fd00:77", "2001:db8", "fe80", "::f0"),
      fc.oneof(fc.constantFrom(0, 1, 0x11, 0x12, 0x29, 0x30, 0x100, 0x200, 0xffff), fc.nat(0xffff)),
    )
    .map(([network, host]) =>
      String(
        Address.parse(
          network.startsWith("::") ? `${network}:${host.toString(16)}` : `${network}::${host.toString(16)}`,
        ),
      ),
    );
  const clusterOf = (each: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.uniqueArray(each, { minLength: 2, maxLength: 14 }), fc.nat(12))
      .map(([all, most]): [servers: string[], vips: string[]] => {
        const servers = 1 + (most % (all.length - 1));
        return [all.slice(0, servers), all.slice(servers)];
      });

  /** Different ones stay different, a new one was nobody's, and no node of the lab's has one of them. */
  function expectOneToOne(
    originals: readonly string[],
    moved: ReadonlyMap<string, string>,
    serverCidr: string,
    usual: Readonly<Record<string, number>>,
  ): void {
    const news = [...moved.values()];
    expect(news.filter((each) => originals.includes(each))).toEqual([]);
    const all = originals.map((each) => moved.get(each) ?? each);
    const own = nodeAddresses(serverCidr, all, usual);
    const nodes = Object.entries(usual).map(
      ([node, part]) => own[node] ?? String(Prefix.parse(serverCidr).network.plus(part)),
    );
    expect(new Set([...all, ...nodes]).size).toBe(all.length + nodes.length);
  }

  it("of IPv4", () =>
    fc.assert(
      fc.property(clusterOf(four), ([servers, vips]) => {
        const { serverCidr, moved } = placeAddresses(servers, vips, [], "imported");
        expectOneToOne([...servers, ...vips], moved, serverCidr, {
          host: 1,
          router: 200,
          director: 30,
          second: 29,
        });
        for (const each of servers)
          expect(Prefix.parse(serverCidr).contains(moved.get(each) ?? each)).toBe(true);
      }),
      { numRuns: 150, seed: 14 },
    ));

  it("of IPv6", () =>
    fc.assert(
      fc.property(clusterOf(six), ([servers, vips]) => {
        const { serverCidr, vipCidr, moved } = placeSix(servers, vips, [], "imported");
        expectOneToOne([...servers, ...vips], moved, serverCidr, {
          router: 0x200,
          director: 0x30,
          second: 0x29,
        });
        for (const [among, cidr] of [
          [servers, serverCidr],
          [vips, vipCidr],
        ] as const)
          for (const each of among) expect(Prefix.parse(cidr).contains(moved.get(each) ?? each)).toBe(true);
      }),
      { numRuns: 60, seed: 14 },
    ));
});
