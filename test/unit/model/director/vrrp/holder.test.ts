import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../../model/config/config";
import { vipHolder, vipMac } from "../../../../../model/director/vipHolder";
import { missedAdverts, renderKeepalived } from "../../../../../model/director/vrrp/holder";
import { guestSettings } from "../../../../../model/guest/settings";
import { withHolder } from "../../../../../model/lab/directors";

const labOf = (raw: object = {}) =>
  parseConfig({ directors: [{}, {}], ...raw }, { project: "lvs-dr", stack: "dev" });
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

describe("where the VIP is", () => {
  it("at the MAC of whoever holds it", () => {
    const lab = labOf();
    expect(vipMac(lab)).toBe(lab.directors[0].nics[0]?.mac);
    expect(vipMac(withHolder(lab, "director2"))).toBe(lab.directors[1]?.nics[0]?.mac);
  });

  it("at one MAC of both, where the router's entry is permanent", () => {
    const lab = labOf({ arpStrategy: "static", highAvailability: { virtualRouterId: 200 } });
    expect(vipMac(lab)).toBe("00:00:5e:00:01:c8");
    expect(vipMac(withHolder(lab, "director2"))).toBe("00:00:5e:00:01:c8");
    expect(guestSettings(lab, lab.routers[0]).LVS_DIRECTOR_MAC).toBe("00:00:5e:00:01:c8");
    const conf = renderKeepalived(lab, lab.directors[0]);
    expect(conf).toContain("  use_vmac vrrp200\n");
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
