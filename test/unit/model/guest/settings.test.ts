import { readFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { guestSettings } from "../../../../model/guest/settings";
import { labNodes, type Lab, type LabNode } from "../../../../model/lab/types";
import { shellQuote } from "../../../../lib/text";
import { renderPayload, RUN_LIMIT } from "../../../../model/guest/script";

const lab = (config: Record<string, unknown> = {}) =>
  parseConfig(config, { project: "lvs-dr", stack: "dev" });
const directorSettings = (described: Lab) => guestSettings(described, described.directors[0]);
const service = { name: "second", vip: "10.0.0.101", port: 8080 };

/** What a shell makes of a script, NUL-separated. */
function shell(file: "sh" | "bash", script: string): string[] {
  const { status, stdout, stderr } = spawnSync(file, ["-s"], { input: script, encoding: "utf8" });
  if (status !== 0) throw new Error(`${file}: ${status}: ${stderr}`);
  return stdout.split("\0").slice(0, -1);
}

describe("shellQuote", () => {
  // A shell's strings end at NUL, and a lone surrogate has no UTF-8.
  const hostile = fc.stringMatching(/^[\n\t "#$%&'()*;<>?[\\\]^`{|}~!A-z0-9äöß€漢-]{0,60}$/u);
  // fast-check's own unit "binary" takes seconds to build a table of all code points.
  const codePoint = fc.oneof(
    fc.integer({ min: 1, max: 0xff }),
    fc.integer({ min: 1, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  );
  const anything = fc.array(codePoint, { maxLength: 60 }).map((points) => String.fromCodePoint(...points));

  it.each(["sh", "bash"] as const)("stays one word in %s, whatever it holds", (file) => {
    fc.assert(
      fc.property(fc.array(fc.oneof(hostile, anything), { minLength: 40, maxLength: 60 }), (words) => {
        const script = words.map((word) => `printf '%s\\0' ${shellQuote(word)}\n`).join("");
        expect(shell(file, script)).toEqual(words);
      }),
      { numRuns: 10 },
    );
  });

  it.each([
    ["", "''"],
    ["plain", "'plain'"],
    ["it's", `'it'\\''s'`],
    ["'", `''\\'''`],
    ['$(reboot) `reboot` \\ "', "'$(reboot) `reboot` \\ \"'"],
    ["a\nb", "'a\nb'"],
  ])("writes %j as %j", (text, quoted) => expect(shellQuote(text)).toBe(quoted));
});

describe("renderPayload", () => {
  it("makes each setting a read-only variable with its very text, before the files", () => {
    const settings = { LVS_A: "it's\n$HOME\\", LVS_B: "", LVS_C: "trailing\n\n" };
    const print = `printf '%s\\0' "$LVS_A" "$LVS_B" "$LVS_C"`;
    const payload = renderPayload(settings, [print, `(LVS_A=x) 2>/dev/null && printf 'writable\\0'; true\n`]);
    expect(payload).toMatch(/^#!\/usr\/bin\/env bash\n# /);
    expect(shell("bash", payload)).toEqual(Object.values(settings));
  });
});

describe("settings", () => {
  it("names every VIP once to every guest", () => {
    const described = lab({ services: [service, { ...service, name: "third", port: 9090 }] });
    for (const node of labNodes(described)) {
      const settings = guestSettings(described, node);
      expect(settings.LVS_VIPS).toBe("10.0.0.100/32 10.0.0.101/32");
    }
  });

  it("tells a real server the ports of all TCP services, each once: it may have left one a moment ago", () => {
    const services = [
      { ...service, realServers: [{ name: "rs2" }] },
      { port: 53, protocol: "udp" },
    ];
    const described = lab({ services });
    expect(described.realServers.map((node) => guestSettings(described, node).LVS_PORTS)).toEqual([
      "80 8080",
      "80 8080",
    ]);
  });

  it("serves the sorry page only where the sorry server is the director itself", () => {
    const ports = (config: object) => directorSettings(lab({ ...config })).LVS_SORRY_PORTS;
    expect(ports({})).toBe("80");
    expect(ports({ sorryServer: { address: "192.168.7.99", port: 80 } })).toBe("");
    expect(ports({ sorryServer: false })).toBe("");
    // It speaks no TLS.
    expect(ports({ services: [{ name: "main", ports: [80, 443], persistent: 600 }] })).toBe("80");
  });

  it("has the web server speak TLS at 443 of a group that is checked elsewhere, and there alone", () => {
    const tls = (service: object) => {
      const [node] = lab().realServers;
      return guestSettings(lab({ services: [{ name: "main", ...service }] }), node as LabNode).LVS_TLS_PORTS;
    };
    expect(tls({ ports: [80, 443] })).toBe("443");
    expect(tls({ ports: [443, 80] })).toBe("443 80");
    expect(tls({ ports: [443, 80], healthCheck: { service: "http" } })).toBeUndefined();
    expect(tls({ ports: [80, 8080] })).toBeUndefined();
  });

  it("tells the director whose certificates a service's checks trust, and how long a connection is remembered", () => {
    const settings = (config: object) => directorSettings(lab({ workloads: [{ name: "own" }], ...config }));
    const ca = readFileSync(join(__dirname, "../config/ca.pem"), "utf8");
    const services = [
      { name: "tls", port: 443, healthCheck: { ca } },
      { name: "any", port: 993, workload: "own", healthCheck: { verify: false } },
      { name: "ldaps", port: 636, workload: "own" },
      { name: "plain", port: 8443, healthCheck: { service: "https", checktype: "connect" } },
    ];
    expect(JSON.parse(settings({ services }).LVS_LDIRECTORD_TLS ?? "")).toEqual({
      "tcp:10.0.0.100:443": { verify: true, ca },
      "tcp:10.0.0.100:993": { verify: false },
      "tcp:10.0.0.100:636": { verify: false },
    });
    expect(settings({ services }).LVS_LDIRECTORD_CF).not.toMatch(/verify|CERTIFICATE/);
    expect(settings({}).LVS_IPVS_TIMEOUTS).toBe("300 120 300");
    expect(settings({ ipvsTimeouts: { tcp: 7200, udp: 30 } }).LVS_IPVS_TIMEOUTS).toBe("7200 120 30");
  });

  it("brings the director's files to both directors, and to nobody else", () => {
    const directors = [{}, {}];
    const described = parseConfig(
      { director: { files: ["bin/check", "hosts"] }, directors },
      { project: "lvs-dr", stack: "dev" },
      (path) => ({ text: `${path}\n` }),
    );
    const of = (node: LabNode) =>
      Object.entries(guestSettings(described, node)).filter(([key]) => /^LVS_FILE/.test(key));
    const files = { LVS_FILES: "check hosts", LVS_FILE_0: "bin/check\n", LVS_FILE_1: "hosts\n" };
    for (const node of labNodes(described))
      expect(Object.fromEntries(of(node))).toEqual(node.role === "director" ? files : {});
    expect(described.configHash).not.toBe(lab({ directors }).configHash);
  });

  it("gives the director longer to settle the more there is to check", () => {
    const seconds = (config: object) => Number(directorSettings(lab({ ...config })).LVS_SETTLE_SECONDS);
    expect(seconds({ realServerCount: 10 })).toBeGreaterThan(seconds({ realServerCount: 2 }));
    expect(seconds({ healthCheck: { checkinterval: 30 } })).toBeGreaterThanOrEqual(seconds({}) + 29);
    // One service after the other, with processes of their own too: three silent services of three servers take three times as long.
    const times = { checkinterval: 1, checktimeout: 30, negotiatetimeout: 30 };
    const three = {
      realServerCount: 3,
      healthCheck: times,
      services: [service, { ...service, name: "third", port: 9090 }],
    };
    expect(seconds(three)).toBe(30 + 1 + 3 * 3 * 30);
    expect(seconds({ ...three, ldirectord: { fork: false } })).toBe(seconds(three));
  });

  it("limits the director's run by what its waits may take", () => {
    const limit = (config: object) => {
      const settings = directorSettings(lab({ ...config }));
      expect(Number(settings.LVS_RUN_LIMIT)).toBeGreaterThan(
        Number(settings.LVS_DRAIN_SECONDS) + Number(settings.LVS_SETTLE_SECONDS) + 120,
      );
      return Number(settings.LVS_RUN_LIMIT);
    };
    expect(limit({})).toBe(RUN_LIMIT);
    expect(limit({ drainTimeout: 3600 })).toBeGreaterThan(3600);
    const slow = { checktimeout: 30, checkinterval: 60 };
    expect(limit({ drainTimeout: 0, realServerCount: 20, healthCheck: slow })).toBeGreaterThan(20 * 30 + 60);
  });
});

describe("packages that a director's checks need, on a machine that exists", () => {
  const ssh = { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl" };
  const six = {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
    vip6Cidr: "fd00:10::/64",
  };
  const packages = (config: Record<string, unknown>): string | undefined =>
    directorSettings(lab({ director: { ssh }, ...config })).LVS_PACKAGES;
  it("are those of the checked protocols and families", () => {
    expect(packages({})).toBeUndefined();
    expect(packages(six)).toBe("libnet-inet6glue-perl");
    expect(packages({ services: [{ name: "https", port: 443 }] })).toBe("liblwp-protocol-https-perl");
  });
  it("are nobody's where nothing negotiates, no ldirectord checks, or the director is a guest", () => {
    expect(packages({ ...six, healthCheck: { checktype: "connect" } })).toBeUndefined();
    expect(packages({ ...six, director: { ssh, mode: "keepalived" } })).toBeUndefined();
    expect(packages({ ...six, director: {} })).toBeUndefined();
  });
});
