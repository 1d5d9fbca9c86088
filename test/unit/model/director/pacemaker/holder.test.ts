import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { renderCib } from "../../../../../model/director/pacemaker/cib";
import { renderCorosync } from "../../../../../model/director/pacemaker/corosync";
import { clusterKey, fencingFiles } from "../../../../../model/director/pacemaker/fencing";
import { vipHolder } from "../../../../../model/director/vipHolder";
import { imagePackages } from "../../../../../model/guest/imagePackages";
import { guestPayload } from "../../../../../model/guest/payload";
import { guestSettings } from "../../../../../model/guest/settings";
import type { Lab } from "../../../../../model/lab/types";

const labOf = (highAvailability: object = {}, raw: object = {}): Lab =>
  parseConfig(
    {
      directors: [{ memory: 512 }, { memory: 512 }],
      highAvailability: { manager: "pacemaker", ...highAvailability },
      ...raw,
    },
    { project: "lvs-dr", stack: "dev" },
  );
const withSecret = (secret = "s".repeat(64)): Lab => ({ ...labOf(), authority: { secret } });
const SIX = {
  clientNetwork: { cidr6: "fd00:18::/64" },
  serverNetwork: { cidr6: "fd00:7::/64" },
  vip6Cidr: "fd00:10::/64",
};

describe("corosync.conf", () => {
  it("has both directors, on the server segment, by their names", () => {
    const conf = renderCorosync(labOf());
    expect(conf).toContain("    ring0_addr: 192.168.7.30\n    name: director1\n    nodeid: 1\n");
    expect(conf).toContain("    ring0_addr: 192.168.7.29\n    name: director2\n    nodeid: 2\n");
    expect(conf).toContain("  two_node: 1\n  wait_for_all: 1\n");
  });

  it.each([
    [{}, 1000],
    [{ token: 3000 }, 3000],
  ])("has the token of %o", (pair, token) =>
    expect(renderCorosync(labOf(pair))).toContain(`  token: ${token}\n`),
  );
});

describe("the CIB", () => {
  it("has a VIP a primitive, in one group, none of IPv6 a source", () => {
    const { resources } = renderCib(labOf({}, SIX));
    expect(resources.match(/type="IPaddr2"/g)).toHaveLength(2);
    expect(resources).toContain('name="ip" value="10.0.0.100"/>');
    expect(resources).toContain('name="cidr_netmask" value="32"/>');
    expect(resources).toContain('name="cidr_netmask" value="128"/>');
    expect(resources.match(/name="preferred_lft" value="0"/g)).toHaveLength(1);
    expect(resources.match(/<group /g)).toHaveLength(1);
  });

  it("stands as `cibadmin --query` prints it", () => {
    const { properties, resources, constraints } = renderCib(labOf());
    expect(properties).toMatch(/^ {6}<cluster_property_set id="lvs-dr">\n {8}<nvpair /);
    expect(resources).toMatch(/^ {4}<resources>\n {6}<primitive /);
    expect(constraints).toMatch(/^ {4}<constraints>\n {6}<rsc_location [^]*\n {4}<\/constraints>$/);
  });

  it("keeps the VIPs from a director that does not reach the router", () =>
    expect(renderCib(labOf()).constraints).toContain(
      '<expression id="vips-router-lost" attribute="router" operation="lt" value="1" type="number"/>',
    ));

  it("keeps them where they are, or takes them back when a director has settled", () => {
    const [manual, automatic] = [renderCib(labOf()), renderCib(labOf({ failback: "automatic" }))];
    expect(manual.resources).toContain('name="resource-stickiness" value="1000"/>');
    expect(manual.constraints).not.toContain("director1");
    expect(automatic.resources).toContain('name="resource-stickiness" value="0"/>');
    expect(automatic.constraints).toContain('id="vips-director1-rule" score="200"');
    expect(guestSettings(labOf({ failback: "automatic" }), labOf().directors[0])).toMatchObject({
      LVS_SETTLED: "lvs-dr-settled 60",
    });
  });

  it("never has a director powered off for what checks real servers", () => {
    const { resources } = renderCib(labOf());
    expect(resources).toMatch(/id="ldirectord-stop" [^>]*on-fail="ignore"/);
    expect(resources).not.toMatch(/id="vip-1-stop" [^>]*on-fail/);
    expect(renderCib(labOf({}, { director: { mode: "static" } })).resources).not.toContain("ldirectord");
  });
});

describe("fencing", () => {
  it("is for the two directors alone, and on their segment alone", () => {
    const [key, ...conf] = fencingFiles(withSecret()).split("\n");
    expect(key).toMatch(/^[0-9a-f]{256}$/);
    const text = conf.join("\n");
    expect(text.match(/(ip|uuid|address) = "[^"]*"/g)).toEqual([
      'address = "192.168.7.1"',
      'ip = "192.168.7.30"',
      'uuid = "lvs-dr-dev-director1"',
      'ip = "192.168.7.29"',
      'uuid = "lvs-dr-dev-director2"',
    ]);
    expect(text).not.toContain(key);
  });

  it("has keys of the lab's own, which say nothing of each other", () => {
    const all = [withSecret(), withSecret("t".repeat(64))].flatMap((lab) => [
      clusterKey(lab, "corosync"),
      clusterKey(lab, "fence"),
    ]);
    expect(new Set(all).size).toBe(4);
  });
});

describe("a director's payload", () => {
  it("has the cluster's script and connection sync, and no VRRP", () => {
    const lab = withSecret();
    const read = (name: string): string => `# ${name}\n`;
    const payload = guestPayload(lab, lab.directors[0], read);
    expect(payload).toMatch(/# guest\/holders\/sync\.sh\n[^]*# guest\/holders\/pacemaker\.sh\n/);
    expect(payload).not.toContain("holders/keepalived.sh");
    expect(payload).not.toContain("LVS_KEEPALIVED_CONF");
  });

  it("needs packages that other labs' images have not", () => {
    expect(imagePackages(labOf())).toContain("pacemaker");
    expect(imagePackages(labOf({ manager: "keepalived" }))).toEqual([]);
  });
});

describe("what is promised", () => {
  it("follows from the token", () => {
    expect(vipHolder(labOf()).takeoverMs(labOf())).toBe(9200);
    expect(vipHolder(labOf()).takeoverMs(labOf({ token: 3000 }))).toBe(13600);
  });
});
