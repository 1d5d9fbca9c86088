/** Whole configurations: an import invents nothing but what a lab cannot be without, and tells that. */
import { describe, expect, it } from "vitest";
import { importCf, importKeepalived, missing } from "./support";

/** By the stack's name. */
const CLIENTS = { cidr: "172.20.78.0/24" };
const NOTHING = { left: [], mapped: [], paired: [], chosen: [], needs: [] };
const CLIENTS6 = { ...CLIENTS, cidr6: "fd22:4c61:6124::/64" };

describe("nothing is invented", () => {
  it.skipIf(missing)(`of an ldirectord.cf${missing ? ` (skipped: no ${missing})` : ""}`, async () => {
    const { config, left, mapped, paired, chosen, needs } = await importCf(`checktimeout=3
quiescent=no
virtual=192.168.6.240:80
    real=192.168.6.2:80 gate 3
    real=192.168.6.3:80 gate
    fallback=127.0.0.1:80 gate
    scheduler=wrr
    persistent=600
virtual=192.168.6.241:3306
    real=192.168.6.3:3306 gate 2
    checktype=connect
`);
    expect({ left, mapped, paired, chosen, needs }).toEqual(NOTHING);
    expect(config).toEqual({
      clientNetwork: CLIENTS,
      serverNetwork: { cidr: "192.168.6.0/24" },
      vipCidr: "192.168.6.0/24",
      vip: "192.168.6.240",
      port: 80,
      scheduler: "wrr",
      persistent: 600,
      quiescent: false,
      healthCheck: {
        checktype: "negotiate",
        service: "http",
        request: "/",
        receive: ".*",
        checktimeout: 3,
        // ldirectord takes the time of the other.
        negotiatetimeout: 3,
        checkinterval: 10,
        failurecount: 1,
      },
      sorryServer: { address: "127.0.0.1" },
      realServers: [
        { name: "rs1", address: "192.168.6.2", weight: 3 },
        { name: "rs2", address: "192.168.6.3", weight: 1 },
      ],
      services: [
        {
          name: "mysql",
          vip: "192.168.6.241",
          port: 3306,
          healthCheck: { checktype: "connect" },
          sorryServer: false,
          realServers: [{ name: "rs2", weight: 2 }],
        },
      ],
      ldirectord: { autoreload: false, fork: false, cleanstop: true, readdquiescent: false },
    });
  });

  it("of a keepalived.conf whose servers have pages of their own", () => {
    const page = (path: string): string => `  HTTP_GET {\n   url {\n    path ${path}\n   }\n  }\n`;
    const { config, left, mapped, paired, chosen, needs } = importKeepalived(`virtual_server 10.0.0.1 80 {
 delay_loop 6
 lb_algo rr
 lb_kind DR
 protocol TCP
 real_server 192.168.7.10 80 {
  weight 2
${page("/a")} }
 real_server 192.168.7.11 80 {
${page("/b")} }
}
`);
    expect({ left, mapped, paired, chosen, needs }).toEqual(NOTHING);
    expect(config).toEqual({
      clientNetwork: CLIENTS,
      serverNetwork: { cidr: "192.168.7.0/24" },
      vipCidr: "10.0.0.0/24",
      director: { mode: "keepalived" },
      vip: "10.0.0.1",
      port: 80,
      scheduler: "rr",
      quiescent: false,
      healthCheck: {
        checktype: "negotiate",
        service: "http",
        request: "/a",
        receive: ".*",
        checktimeout: 5,
        negotiatetimeout: 5,
        checkinterval: 6,
        failurecount: 2,
      },
      sorryServer: false,
      realServers: [
        { name: "rs1", address: "192.168.7.10", weight: 2 },
        { name: "rs2", address: "192.168.7.11", weight: 1 },
      ],
      services: [
        { name: "main", realServers: [{ name: "rs1" }, { name: "rs2", request: "/b", receive: ".*" }] },
      ],
    });
  });

  it("but addresses, of a pair that serves IPv6 alone", () => {
    const { config, left, mapped, paired, chosen, needs } = importKeepalived(`vrrp_instance V {
 virtual_router_id 9
 virtual_ipaddress {
  2001:db8::1/64
 }
}
virtual_server 2001:db8::1 80 {
 lb_kind DR
 protocol TCP
 real_server 2001:db8:7::10 80 {
  TCP_CHECK {
  }
 }
}
`);
    expect({ left, mapped, paired, chosen, needs }).toEqual({
      ...NOTHING,
      chosen: ["director2: 192.168.7.29 and 2001:db8:7::29", "rs1: 192.168.7.11 beside 2001:db8:7::10"],
    });
    expect(config).toEqual({
      clientNetwork: CLIENTS6,
      serverNetwork: { cidr: "192.168.7.0/24", cidr6: "2001:db8:7::/64" },
      vipCidr: "192.168.7.0/24",
      vip6Cidr: "2001:db8::/64",
      router: { vipAddress6: "2001:db8::200" },
      director: { mode: "keepalived" },
      directors: [{}, {}],
      highAvailability: { virtualRouterId: 9, advertInterval: 1, failback: "automatic", sync: "off" },
      port: 80,
      scheduler: "wlc",
      quiescent: false,
      healthCheck: {
        checktype: "connect",
        checktimeout: 5,
        negotiatetimeout: 5,
        checkinterval: 60,
        failurecount: 2,
      },
      sorryServer: false,
      realServers: [{ name: "rs1", address: "192.168.7.11", address6: "2001:db8:7::10", weight: 1 }],
      services: [{ name: "main", vip: "2001:db8::1" }],
    });
  });

  it("and tells an address of IPv6 that only the lab gives", () => {
    const service = (vip: string, server: string, port: number): string =>
      `virtual_server ${vip} ${port} {\n lb_kind DR\n protocol TCP\n real_server ${server} ${port} {\n  TCP_CHECK {\n  }\n }\n}\n`;
    const { chosen, paired } = importKeepalived(
      service("10.0.0.1", "192.168.7.10", 80) + service("fd00:10::1", "fd00:7::10", 443),
    );
    expect(chosen).toEqual(["rs1: fd00:7::11 beside 192.168.7.10", "rs2: 192.168.7.11 beside fd00:7::10"]);
    expect(paired).toEqual([]);
  });
});
