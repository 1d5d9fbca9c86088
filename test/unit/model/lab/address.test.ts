import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Address,
  endpoint,
  hostPrefix,
  isAddress,
  lengthOfNetmask,
  netmaskOfLength,
  networkFault,
  Prefix,
  readEndpoint,
  withoutLength,
} from "../../../../model/lab/address";

describe("an address", () => {
  it.each([
    ["10.0.0.100", 4, "10.0.0.100"],
    ["255.255.255.254", 4, "255.255.255.254"],
    ["2001:DB8:0:0::1", 6, "2001:db8::1"],
    ["::ffff:10.0.0.1", 6, "::ffff:a00:1"],
    ["::", 6, "::"],
  ] as const)("%s is one of IPv%s, written %s", (text, family, written) => {
    const address = Address.parse(text);
    expect([address.family, String(address)]).toEqual([family, written]);
  });

  it.each(["", "10.1", "010.0.0.1", "256.0.0.1", "10.0.0.1/32", "fe80::1%eth0", "1::2::3", "name", "[::1]"])(
    "%j is not one",
    (text) => {
      expect(isAddress(text)).toBe(false);
      expect(() => Address.parse(text)).toThrow(RangeError);
    },
  );

  it("is of a family, and alone in a prefix of the family's length", () => {
    expect([isAddress("::1", 4), isAddress("::1", 6), isAddress("::1")]).toEqual([false, true, true]);
    expect([hostPrefix("10.0.0.100"), hostPrefix("2001:db8::1")]).toEqual([
      "10.0.0.100/32",
      "2001:db8::1/128",
    ]);
    expect(withoutLength("192.168.7.30/24")).toBe("192.168.7.30");
  });

  it("is what it was, whatever it is", () =>
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = Address.parse(text);
        expect(Address.parse(String(address))).toEqual(address);
      }),
    ));
});

describe("a network", () => {
  it.each([
    ["10.0.0.0/8", undefined],
    ["192.168.7.5/24", { fault: "hostBits", corrected: "192.168.7.0/24" }],
    ["192.168.7.0/33", { fault: "prefix" }],
    ["192.168.7.0/31", { fault: "room" }],
    ["0.0.0.0/0", { fault: "room" }],
    ["192.168.7.0", { fault: "syntax" }],
    ["192.168.007.0/24", { fault: "syntax" }],
    ["192.168.7/24", { fault: "syntax" }],
    ["2001:db8::/32", { fault: "syntax" }],
  ])("%s as a segment of IPv4: %j", (text, fault) => expect(networkFault(text)).toEqual(fault));

  it.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["0.0.0.0/0", "10.0.0.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
  ])("%s holds %s: %s", (prefix, address, holds) =>
    expect(Prefix.parse(prefix).contains(address)).toBe(holds),
  );

  it.each([
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.0.0.0/16", "10.1.0.0/16", false],
    ["2001:db8::/32", "2001:db8:1::/64", true],
    ["::/0", "0.0.0.0/0", false],
  ])("%s overlaps %s: %s", (a, b, overlaps) =>
    expect(Prefix.parse(a).overlaps(Prefix.parse(b))).toBe(overlaps),
  );

  it("has a first and a last address that are no host's, but for IPv6's last", () => {
    const four = Prefix.parse("192.168.7.0/24");
    expect(["192.168.7.0", "192.168.7.9", "192.168.7.255"].map((each) => four.kindOf(each))).toEqual([
      "network",
      "host",
      "broadcast",
    ]);
    const six = Prefix.parse("2001:db8::/120");
    expect(["2001:db8::", "2001:db8::ff"].map((each) => six.kindOf(each))).toEqual(["network", "host"]);
    expect([four.size, four.hosts, String(four.network.plus(9))]).toEqual([256, 254, "192.168.7.9"]);
  });

  it("is read with host bits, or as an address alone, and parsed only as it is written", () => {
    expect(
      ["10.9.9.9/8", "10.0.0.1", "2001:db8::1/32", "x/8"].map((text) => Prefix.read(text)?.toString()),
    ).toEqual(["10.0.0.0/8", "10.0.0.1/32", "2001:db8::/32", undefined]);
    expect(() => Prefix.parse("10.9.9.9/8")).toThrow(RangeError);
  });

  it("has a netmask", () => {
    expect([24, 0, 32].map(netmaskOfLength)).toEqual(["255.255.255.0", "0.0.0.0", "255.255.255.255"]);
    expect(["255.255.255.0", "0.0.0.0", "255.0.255.0", "24"].map(lengthOfNetmask)).toEqual([
      24,
      0,
      undefined,
      undefined,
    ]);
  });
});

describe("an endpoint", () => {
  it.each([
    ["10.0.0.100:80", "10.0.0.100", 80],
    ["[2001:db8::1]:443", "2001:db8::1", 443],
  ])("%s", (text, address, port) => {
    expect(endpoint(address, port)).toBe(text);
    expect(readEndpoint(text)).toEqual({ address, port });
  });

  it.each(["10.0.0.100", "2001:db8::1:80", ":80", "10.0.0.100:"])("%s is not one", (text) =>
    expect(readEndpoint(text)).toBeUndefined(),
  );
});
