import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isClientOnSegment, lastHop, wayBack } from "../../../../model/lab/lastHop";
import { parseConfig } from "../../../../model/config/config";
import { guestPayload } from "../../../../model/guest/payload";
import { renderMermaid } from "../../../../report/mermaid";
import { pageLab } from "../../../../report/pageLab";
import { renderTopology } from "../../../../report/topology";
import { serverMac } from "../../../../verify/checks/arp";
import { parseCapture } from "../../../../verify/checks/capture";
import { judgePath } from "../../../../verify/checks/pathJudgement";
import { STATUS } from "../../report/fixtures";

const FLAT = { vipCidr: "192.168.7.0/24", client: { network: "server" } };
const lab = (config: object = {}) =>
  parseConfig({ ...FLAT, ...config }, { project: "lvs-dr", stack: "unit" });
const read = (name: string): string => readFileSync(`scripts/${name}`, "utf8");

it("has its address among the real servers, and gets their replies without the router", () => {
  const one = lab();
  const [client] = one.clients;
  expect(client).toMatchObject({ address: "192.168.7.70", gateway: "192.168.7.200" });
  expect(client.nics).toMatchObject([{ network: "server", device: "eth0", addresses: ["192.168.7.70/24"] }]);
  expect(isClientOnSegment(one)).toBe(true);
  expect(lastHop(one)).toBe(client);
  expect(one.realServers.map((node) => wayBack(one, node, 4))).toEqual(["192.168.7.70", "192.168.7.70"]);
  const routed = lab({ client: {} });
  expect(lastHop(routed)).toBe(routed.routers[0]);
  expect(routed.realServers.map((node) => wayBack(routed, node, 4))).toEqual([
    "192.168.7.200",
    "192.168.7.200",
  ]);
});

it("its address is nobody else's, and in that network", () => {
  expect(() => lab({ client: { network: "server", address: "192.168.7.20" } })).toThrow(
    "is the address of both rs2 (realServers) and the client",
  );
  expect(() => lab({ client: { network: "server", address: "172.18.7.70" } })).toThrow(
    'client.address = "172.18.7.70": is outside serverNetwork.cidr 192.168.7.0/24. Fix',
  );
  // The forty-second real server would have it by its number.
  const many = lab({ realServerCount: 60 });
  const addresses = [many.clients[0], ...many.realServers].map(({ address }) => address);
  expect(new Set(addresses).size).toBe(61);
});

it("is refused with VIPs that lie elsewhere, of either family", () => {
  expect(() => lab({ vipCidr: "10.0.0.0/8" })).toThrow(
    'client.network = "server": is for VIPs in serverNetwork.cidr 192.168.7.0/24; vipCidr is 10.0.0.0/8, for which the client would ask the router. Fix: set vipCidr to 192.168.7.0/24, or leave client.network out.',
  );
  const six = {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
  };
  expect(() => lab({ ...six, vip6Cidr: "fd00:10::/64" })).toThrow("vip6Cidr is fd00:10::/64");
  expect(lab({ ...six, vip6Cidr: "fd00:7::/64" }).clients[0].address6).toBe("fd00:7::70");
});

it("asks for the VIP itself, and so binds it with arpStrategy static", () => {
  const payload = (config: object): string => {
    const one = lab(config);
    return guestPayload(one, one.clients[0], read);
  };
  expect(payload({ arpStrategy: "static" })).toMatch(/LVS_NEIGHBOURS=.*192\.168\.7\.100 52:54/);
  expect(payload({})).toContain("bind_vips() {");
  expect(payload({ client: {} })).not.toContain("bind_vips() {");
});

it("the pictures show it on the server segment, and no way through the router", () => {
  const mermaid = renderMermaid(lab());
  expect(mermaid).toContain("n_client -- request --> n_director");
  expect(mermaid).toContain('past the director" ==> n_client\n');
  expect(mermaid).toMatch(/subgraph server_net .*\n {4}n_client\[/);
  const page = String(renderTopology(pageLab(lab()), STATUS));
  expect(page).toContain("Requests go from the client through the director to");
  // Client to director, and director to each that serves; replies straight to the client.
  expect(page.match(/<path class="request"/g)).toHaveLength(
    1 + (page.match(/<path class="reply"/g) ?? []).length,
  );
});

it("requests come from its MAC, and replies go to it", () => {
  const one = lab();
  const [client, router, director] = [one.clients[0], one.routers[0], one.directors[0]].map(serverMac);
  const rs = serverMac(one.realServers[0] ?? one.directors[0]);
  let clock = 1;
  const line = (from = "", to = "", ips: string, flags: string): string =>
    `${clock++}.5 ${from} > ${to}, ethertype IPv4 (0x0800), length 74: ${ips}: Flags [${flags}], seq 1, length 0\n`;
  const [request, reply] = ["192.168.7.70.61001 > 192.168.7.100.80", "192.168.7.100.80 > 192.168.7.70.61001"];
  const judged = (hop: string | undefined): string[] => {
    const atDirector = line(hop, director, request, "S") + line(director, rs, request, "S");
    const atHop =
      line(hop, director, request, "S") +
      `1.0 ${rs} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 60: Request who-has 192.168.7.70 tell 192.168.7.10, length 46\n` +
      line(rs, hop, reply, "S.");
    const { frames, arp } = parseCapture(atHop);
    const seen = {
      director: parseCapture(atDirector).frames,
      lastHop: frames,
      arp,
      answered: 1,
      permanent: [],
    };
    return judgePath(one, one.services[0], seen, { director: "tcpdump", lastHop: "tcpdump" }, 1)
      .filter(({ status }) => status === "fail")
      .map(({ name }) => name);
  };
  expect(judged(client)).toEqual([]);
  expect(judged(router)).toEqual(["path.main.requests", "path.main.replies", "path.main.source"]);
});
