import { describe, expect, it } from "vitest";
import { configHash, parseConfig } from "../../../../model/config/config";
import { AddressPlan } from "../../../../model/config/addressPlan";
import { Prefix } from "../../../../model/lab/address";
import { bridgeFor, canonicalJson, macFor, prefixFor, slug } from "../../../../model/lab/naming";
import { nearest, showValue } from "../../../../model/config/refusal";

const dev = { project: "lvs-dr", stack: "dev" };

describe("names", () => {
  it.each([
    ["dev", "dev"],
    ["my-stack-2", "my-stack-2"],
    ["Dev", /^dev-[0-9a-f]{8}$/],
    ["a_b", /^a-b-[0-9a-f]{8}$/],
    ["a.b", /^a-b-[0-9a-f]{8}$/],
    ["日本", /^stack-[0-9a-f]{8}$/],
    ["x".repeat(100), /^x{31}-[0-9a-f]{8}$/],
  ])("slug %s", (name, expected) => expect(slug(name)).toMatch(expected));

  it("keeps names that look alike apart", () => {
    expect(new Set(["a_b", "a.b", "a-b", "A-b"].map(slug)).size).toBe(4);
  });

  it("has no name that is too long, and none that cutting makes another's", () => {
    const name = "n".repeat(63);
    const domains = ["a", "b"].map((end) => {
      const who = { project: "p".repeat(200), stack: `${"s".repeat(99)}${end}` };
      return parseConfig({ realServers: [{ name }] }, who).realServers[0]?.domain ?? "";
    });
    expect(domains.map((domain) => domain.length)).toEqual([145, 145]);
    expect(new Set(domains).size).toBe(2);
    expect(prefixFor("lvs-dr", "dev")).toBe("lvs-dr-dev");
  });

  it("fits bridges into 15 characters, one for each segment", () => {
    expect(bridgeFor("lvs-dr", "dev", "client")).toMatch(/^lv[0-9a-f]{8}c$/);
    expect(bridgeFor("lvs-dr", "dev", "server")).toMatch(/^lv[0-9a-f]{8}s$/);
  });

  it("makes another MAC address where one is taken", () => {
    const taken = new Set<string>();
    const first = macFor("p", "s", "rs1", "eth0", taken);
    expect(macFor("p", "s", "rs1", "eth0", new Set())).toBe(first);
    const second = macFor("p", "s", "rs1", "eth0", taken);
    expect(second).not.toBe(first);
    expect([...taken]).toEqual([first, second]);
  });
});

describe("configHash", () => {
  const hash = (raw: Record<string, unknown>) => parseConfig(raw, dev).configHash;

  it("stays when only the host is concerned, and changes with what a guest is told", () => {
    const article = hash({});
    expect(
      [{ memory: 512 }, { pool: "fast" }, { accelerator: "qemu" }, { bootTimeout: 60 }].map(hash),
    ).toEqual(Array(4).fill(article));
    const changes = [
      { port: 8080 },
      { scheduler: "rr" },
      { realServerCount: 3 },
      { sorryServer: { page: "x" } },
      { drainTimeout: 1 },
    ];
    expect(new Set([article, ...changes.map(hash)]).size).toBe(6);
  });

  it("changes with a password, of which it is not a plain digest", () => {
    const check = (passwd: string) => ({
      healthCheck: { service: "pop", login: "a", passwd },
      workloads: [{ name: "own" }],
      services: [{ name: "main", workload: "own" }],
    });
    expect(hash(check("one"))).not.toBe(hash(check("two")));
    const lab = parseConfig(check("one"), dev);
    expect(configHash(lab)).toBe(lab.configHash);
  });

  it("does not depend on the order of keys", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: 1 })).toBe('{"a":1,"b":[{"c":2,"d":1}]}');
  });
});

describe("default addresses", () => {
  it("gives way in a network that is too small for the article's host part, and ends when it is full", () => {
    const plan = new AddressPlan(Prefix.parse("192.168.7.0/29"), ["192.168.7.1"]);
    expect([
      plan.fixed(1),
      plan.fixed(200),
      plan.next(10),
      plan.next(10),
      plan.next(10),
      plan.next(10),
      plan.next(10),
    ]).toEqual([
      "192.168.7.1",
      "192.168.7.2",
      "192.168.7.3",
      "192.168.7.4",
      "192.168.7.5",
      "192.168.7.6",
      undefined,
    ]);
  });
});

describe("messages", () => {
  it("show values on one line, cut, and without passwords", () => {
    expect(showValue("a\nb")).toBe('"a\\nb"');
    expect(showValue("x".repeat(500))).toHaveLength(120);
    expect(showValue("https://user:s3cret@example.com/a.qcow2")).toBe(
      '"https://user:***@example.com/a.qcow2"',
    );
  });

  it.each([
    ["shceduler", "scheduler"],
    ["VIP", "vip"],
    ["realserver", "realServers"],
    ["zzzzzz", undefined],
  ])("guess what %s was meant to be", (typed, meant) => {
    expect(nearest(typed, ["scheduler", "vip", "realServers", "port"])).toBe(meant);
  });
});
