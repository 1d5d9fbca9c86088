import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { vipHolder, vipMac } from "../../../../../model/director/vipHolder";
import { missedAdverts, renderKeepalived } from "../../../../../model/director/vrrp/holder";
import { guestSettings } from "../../../../../model/guest/settings";
import { withHolder } from "../../../../../model/lab/directors";

const labOf = (raw: object = {}) =>
  parseConfig({ directors: [{}, {}], ...raw }, { project: "lvs-dr", stack: "dev" });
const SIX = {
  clientNetwork: { cidr6: "fd00:18::/64" },
  serverNetwork: { cidr6: "fd00:7::/64" },
  vip6Cidr: "fd00:10::/64",
};
const confOf = (raw?: object, which = 0): string => {
  const lab = labOf(raw);
  return renderKeepalived(lab, lab.directors[which] ?? lab.directors[0]);
};

describe("keepalived.conf", () => {
  it.each([
    ["the director's own priority", {}, 0, "  priority 200\n"],
    ["the director's own priority", {}, 1, "  priority 190\n"],
    ["no preemption", {}, 0, "  nopreempt\n"],
    [
      "preemption where it is asked for, when the returned one knows the connections",
      { failback: "automatic" },
      0,
      "  preempt_delay 60\n",
    ],
    ["the interval", { advertInterval: 1.5 }, 0, "  advert_int 1.5\n  down_timer_adverts 3\n"],
    ["the virtual router", { virtualRouterId: 7 }, 1, "  virtual_router_id 7\n"],
  ])("has %s", (_what, highAvailability, which, line) => {
    const conf = confOf({ highAvailability }, which);
    expect(conf).toContain(line);
    expect(conf.includes("nopreempt")).toBe(!("failback" in highAvailability));
  });

  it("gives the VIP up where the router is not reached, and begins without it", () => {
    const conf = confOf();
    expect(conf).toMatch(
      /vrrp_script router \{\n {2}script "\/usr\/bin\/arping [^"]* 192\.168\.7\.200"[^}]*\binit_fail\n\}/,
    );
    expect(conf).not.toContain("weight");
    expect(conf).toContain("  track_script {\n    router\n  }\n");
  });

  // lvs_sync_daemon hangs it: docs/decisions/0020.
  it("leaves IPVS' sync daemons alone", () => expect(confOf()).not.toContain("lvs_sync_daemon"));

  it("advertises the first VIP alone, so that an `up` may add one to the standby first", () => {
    const conf = confOf({ services: [{ name: "two", port: 81, vip: "10.0.0.101" }] });
    expect(conf).toContain("  virtual_ipaddress {\n    10.0.0.100/32 dev eth0\n  }\n");
    expect(conf).toContain("  virtual_ipaddress_excluded {\n    10.0.0.101/32 dev eth0\n  }\n");
  });

  it.each([
    [0.01, 8],
    [0.1, 8],
    [0.2, 4],
    [0.3, 3],
    [40.95, 3],
  ])("an interval of %s s: %s missed adverts", (interval, adverts) =>
    expect(missedAdverts(interval)).toBe(adverts),
  );
});

it.each([
  [undefined, 1000],
  [0.01, 1000],
  [0.2, 1100],
  [1, 4100],
])("with an interval of %s s the VIP answers again after %s ms", (advertInterval, ms) => {
  const lab = labOf({ highAvailability: { advertInterval } });
  expect(vipHolder(lab).takeoverMs(lab)).toBe(ms);
});

describe("VIPs of both families", () => {
  it("move together, and go where the router is not reached", () => {
    const conf = confOf({ ...SIX, services: [{ name: "two", port: 81, vip: "fd00:10::101" }] });
    expect(conf).toContain(
      "vrrp_sync_group vips {\n  group {\n    VI_1\n    VI_6\n  }\n  track_script {\n    router\n  }\n}\n",
    );
    expect(conf.match(/track_script/g)).toHaveLength(1);
    expect(conf).toMatch(/vrrp_instance VI_1 \{[^}]*\{\n {4}10\.0\.0\.100\/32 dev eth0\n {2}\}\n\}/);
    expect(conf).toMatch(
      /vrrp_instance VI_6 \{[^}]*\{\n {4}fe80::200:5eff:fe00:233\/128 dev eth0\n {2}\}\n[^}]*excluded \{\n {4}fd00:10::101\/128 dev eth0\n {4}fd00:10::100\/128 dev eth0\n {2}\}\n\}/,
    );
  });

  it("of IPv6 alone need no group", () => {
    const conf = confOf({ ...SIX, services: [{ name: "main", vip: "fd00:10::100" }] });
    expect(conf).not.toMatch(/vrrp_sync_group|VI_1/);
    expect(conf).toContain("  track_script {\n    router\n  }\n}\n");
  });
});

describe("where the VIP is", () => {
  it("at the MAC of whoever holds it", () => {
    const lab = labOf();
    expect(vipMac(lab, "10.0.0.100")).toBe(lab.directors[0].nics[0]?.mac);
    expect(vipMac(withHolder(lab, "director2"), "10.0.0.100")).toBe(lab.directors[1]?.nics[0]?.mac);
  });

  it("at one MAC of both, where the router's entry is permanent", () => {
    const lab = labOf({ ...SIX, arpStrategy: "static", highAvailability: { virtualRouterId: 200 } });
    for (const holder of ["director1", "director2"]) {
      expect(vipMac(withHolder(lab, holder), "10.0.0.100")).toBe("00:00:5e:00:01:c8");
      expect(vipMac(withHolder(lab, holder), "fd00:10::100")).toBe("00:00:5e:00:02:c8");
    }
    expect(guestSettings(lab, lab.routers[0]).LVS_NEIGHBOURS).toBe(
      "10.0.0.100 00:00:5e:00:01:c8\nfd00:10::100 00:00:5e:00:02:c8",
    );
    expect(guestSettings(lab, lab.directors[0]).LVS_HELD).toBe(
      "vrrp200=10.0.0.100/32 vrrp200v6=fe80::200:5eff:fe00:2c8/128 vrrp200v6=fd00:10::100/128",
    );
    const conf = renderKeepalived(lab, lab.directors[0]);
    expect(conf).toMatch(/vrrp_instance VI_1 \{[^}]* use_vmac vrrp200\n[^}]*\{\n {4}10\.0\.0\.100\/32\n/);
    expect(conf).toMatch(
      /vrrp_instance VI_6 \{[^}]* use_vmac vrrp200v6\n[^}]*\{\n {4}fe80::200:5eff:fe00:2c8\/128\n/,
    );
    // Unicast adverts, or a fixed device, would never teach the switch where that MAC is.
    expect(conf).not.toMatch(/vmac_xmit_base|unicast|\/32 dev/);
  });

  it.each([
    [
      "daemon",
      "51",
      {
        "net.ipv4.vs.backup_only": "0",
        "net.ipv4.vs.sync_threshold": "0\t0",
        "net.ipv4.vs.sync_refresh_period": "10",
        "net.ipv4.vs.sync_retries": "2",
      },
    ],
    ["hash", "", { "net.ipv4.vs.sloppy_tcp": "1" }],
    ["off", "", {}],
  ])("sync %s", (sync, id, sysctls) => {
    const lab = labOf({ scheduler: "mh", highAvailability: { sync } });
    expect(guestSettings(lab, lab.directors[0]).LVS_SYNC_ID).toBe(id);
    expect(vipHolder(lab).sysctls(lab)).toEqual(sysctls);
  });
});
