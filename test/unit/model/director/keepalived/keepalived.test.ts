/** A lab's services as keepalived.conf, and what of a configuration keepalived cannot do. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { controlPlane } from "../../../../../model/director/controlPlane";
import { checkers } from "../../../../../model/director/keepalived/checkers";
import { renderCheckers } from "../../../../../model/director/keepalived/conf";

const labOf = (raw: object = {}) =>
  parseConfig({ director: { mode: "keepalived" }, ...raw }, { project: "lvs-dr", stack: "dev" });

it("a lab of the defaults", () => {
  expect(renderCheckers(labOf({ realServerCount: 1 }))).toBe(`global_defs {
  script_user root
  enable_script_security
}
virtual_server 10.0.0.100 80 {
  protocol TCP
  lvs_sched wrr
  lvs_method DR
  delay_loop 1
  sorry_server 127.0.0.1 80
  sorry_server_lvs_method DR
  real_server 192.168.7.10 80 {
    weight 1
    HTTP_GET {
      connect_port 80
      connect_timeout 3
      fast_recovery
      url {
        path "/test.html"
        status_code 200-299
        regex "test"
      }
      retry 0
      delay_before_retry 1
    }
  }
}
`);
});

it.each<[string, object, string[]]>([
  ["scheduling", { scheduler: "sh", schedulerFlags: ["sh-port"] }, ["lvs_sched sh", "sh-port"]],
  [
    "persistence",
    { persistent: 600, services: [{ name: "main", persistenceNetmask: "255.255.255.0" }] },
    ["persistence_timeout 600", "persistence_granularity 255.255.255.0"],
  ],
  ["servers that stay with weight 0", { quiescent: true, sorryServer: false }, ["inhibit_on_failure"]],
  ["a drained server", { realServers: [{ drain: true }, {}] }, ["weight 0"]],
  [
    "thresholds",
    { realServers: [{ upperThreshold: 9, lowerThreshold: 5 }] },
    ["uthreshold 9", "lthreshold 5"],
  ],
  [
    "a group of ports, whose packets keep their own",
    { services: [{ ports: [80, 443], vip: "10.0.0.101", sorryServer: false }] },
    ["virtual_server fwmark 80 {", "real_server 192.168.7.10 {"],
  ],
  [
    "UDP packet by packet",
    { services: [{ protocol: "udp", port: 53, ops: true }] },
    ["protocol UDP", "ops", "PING_CHECK {"],
  ],
])("%s", (_what, raw, lines) => {
  const seen = renderCheckers(labOf(raw)).split("\n");
  expect(seen.map((line) => line.trim())).toEqual(expect.arrayContaining(lines));
});

describe("a check", () => {
  const blocks = (healthCheck: object): string[][] => {
    const [service] = labOf({ healthCheck }).services;
    return checkers(service, service.realServers[0] as (typeof service.realServers)[number]);
  };
  it.each([
    ["connect", ["TCP_CHECK {"]],
    ["ping", ["PING_CHECK {"]],
    ["on", []],
    [3, ["TCP_CHECK {", "HTTP_GET {"]],
  ])("of type %s", (checktype, first) => {
    expect(blocks({ checktype }).map(([line]) => line)).toEqual(first);
  });

  it("by a program, with ldirectord's arguments", () => {
    const [lines] = blocks({ checktype: "external", checkcommand: "/usr/local/bin/check" });
    expect(lines).toContain('  misc_path "/usr/local/bin/check 10.0.0.100 80 192.168.7.10 80"');
  });

  it("of a group by a program, which ldirectord tells the mark and no port", () => {
    const healthCheck = { checktype: "external", checkcommand: "/usr/local/bin/check" };
    const text = renderCheckers(labOf({ healthCheck, services: [{ name: "main", ports: [80, 443] }] }));
    expect(text).toContain('misc_path "/usr/local/bin/check 80 0 192.168.7.10 0"');
  });

  it("over TLS names the server in the handshake", () => {
    const [lines] = blocks({ service: "https", virtualhost: "www.example.com", checkport: 443 });
    expect(lines).toEqual(
      expect.arrayContaining(["SSL_GET {", "  enable_sni", "    virtualhost www.example.com"]),
    );
  });

  it("quotes an expression for the parser, which takes backslashes itself", () => {
    const [lines] = blocks({ receive: "^a\\d+$" });
    expect(lines).toContain('    regex "^a\\\\d+$"');
  });

  it("that fails is repeated until failurecount", () => {
    expect(blocks({ failurecount: 3, checkinterval: 2 })[0]).toEqual(
      expect.arrayContaining(["  retry 2", "  delay_before_retry 2"]),
    );
  });
});

it("all servers are asked at once: the silent do not wait for each other", () => {
  const seconds = (healthCheck: object, silent: number): number => {
    const lab = labOf({ healthCheck, realServerCount: 8 });
    return controlPlane(lab).detectionSeconds(lab.services[0], silent, lab);
  };
  expect([0, 1, 8].map((silent) => seconds({}, silent))).toEqual([3, 6, 6]);
  expect([0, 1, 8].map((silent) => seconds({ failurecount: 2 }, silent))).toEqual([4, 10, 10]);
  expect([0, 8].map((silent) => seconds({ checktype: 3 }, silent))).toEqual([3, 8]);
});
