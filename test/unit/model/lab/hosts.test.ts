import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { hostNameOf, hostOf, labAt, labsByHost, suffixOf } from "../../../../model/lab/hosts";
import {
  hasTunnels,
  joinCalls,
  proveCalls,
  tunnelDevices,
  underlayCall,
} from "../../../../model/lab/tunnels";
import { guestsOf, labNodes, type Lab } from "../../../../model/lab/types";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
const FAR = "qemu+ssh://root@far/system?keyfile=/k";
const HOSTS = [
  { underlay: "10.199.0.1" },
  { name: "far", libvirtUri: FAR, hostKey: KEY, underlay: "10.199.0.2" },
];

const lab = (config: Record<string, unknown> = {}, last?: Lab): Lab =>
  parseConfig(
    { hosts: HOSTS, accelerator: "qemu", ...config },
    { project: "lvs-dr", stack: "unit" },
    undefined,
    last,
  );

/** Names of the guests by host. */
const places = (of: Lab): Record<string, string[]> =>
  Object.fromEntries(
    labsByHost(of).map((there) => [there.hosts[0].name, guestsOf(there).map(({ name }) => name)]),
  );

describe("where guests are", () => {
  it("is the one host that there is, without hosts", () => {
    const one = parseConfig({}, { project: "lvs-dr", stack: "unit" });
    expect(one.hosts).toEqual([
      {
        name: "",
        libvirtUri: "qemu:///system",
        segments: { client: { hostAddress: "172.18.0.1" }, server: { hostAddress: "192.168.7.1" } },
      },
    ]);
    expect(labsByHost(one)).toEqual([one]);
    expect(labNodes(one).map((node) => hostNameOf(one, node))).toEqual(Array(5).fill(undefined));
  });

  it("is directors on different hosts, real servers in turn, and the rest on the first", () => {
    expect(places(lab({ directors: [{}, {}], realServerCount: 5 }))).toEqual({
      host1: ["router", "client", "director1", "rs1", "rs3", "rs5"],
      far: ["director2", "rs2", "rs4"],
    });
  });

  it("stays when another real server goes, since it is by the number of the name", () => {
    const servers = (...names: string[]) => lab({ realServers: names.map((name) => ({ name })) });
    expect(places(servers("rs1", "rs2", "rs4"))["far"]).toEqual(["rs2", "rs4"]);
    expect(places(servers("rs2", "rs4"))["far"]).toEqual(["rs2", "rs4"]);
  });

  it("is what the configuration says of each", () => {
    const one = lab({
      router: { host: "far" },
      client: { host: "far" },
      director: { host: "far" },
      realServers: [{ host: "far" }, { host: "host1" }],
    });
    expect(places(one)).toEqual({ host1: ["rs2"], far: ["router", "client", "director", "rs1"] });
  });

  it("is of guests alone: a machine that exists is on none", () => {
    const ssh = { hostKey: KEY };
    const one = lab({ realServers: [{ ssh }, {}] });
    expect(places(one)).toEqual({ host1: ["router", "client", "director"], far: ["rs2"] });
    expect(one.realServers.map((node) => hostNameOf(one, node))).toEqual([undefined, "far"]);
  });

  it("gives each host addresses of its own, the highest of further ones, and no node's", () => {
    const one = lab({ realServerCount: 2 });
    expect(one.hosts.map(({ segments }) => segments)).toEqual([
      { client: { hostAddress: "172.18.0.1" }, server: { hostAddress: "192.168.7.1" } },
      { client: { hostAddress: "172.18.255.254" }, server: { hostAddress: "192.168.7.254" } },
    ]);
    const taken = lab({ realServers: [{ address: "192.168.7.254" }] });
    expect(taken.hosts[1]?.segments.server.hostAddress).not.toBe("192.168.7.254");
    expect(labAt(taken, hostOf(taken, { host: "far" })).segments.server.hostAddress).toBe(
      taken.hosts[1]?.segments.server.hostAddress,
    );
  });
});

describe("what a host has", () => {
  const [near, far] = HOSTS;
  const edge = { libvirtUri: "qemu+ssh://root@edge/system", hostKey: KEY, underlay: "10.199.0.3" };
  /** Of each host in the list: its name, what its resources' names end in, and its address. */
  const seen = (of: Lab): string[] =>
    of.hosts.map(
      (host) => `${host.name} "${suffixOf(of, host)}" ${host.segments.server.hostAddress.split(".")[3]}`,
    );
  const before = lab();

  it("is the first one's without a name, and stays when the list changes", () => {
    expect(seen(before)).toEqual(['host1 "" 1', 'far "-far" 254']);
    expect(seen(lab({ hosts: [far, near] }, before))).toEqual(['far "-far" 254', 'host1 "" 1']);
    const elsewhere = { ...far, libvirtUri: "qemu+ssh://root@far/system?keyfile=/other" };
    expect(seen(lab({ hosts: [elsewhere, near] }, before))[0]).toBe('far "-far" 254');
  });

  it("stays when the first leaves, for as long as the stack is up, and is no newcomer's", () => {
    const alone = { ...far, underlay: undefined };
    const left = lab({ hosts: [alone] }, before);
    expect(seen(left)).toEqual(['far "-far" 254']);
    expect(seen(lab({ hosts: [alone] }, left))).toEqual(seen(left));
    expect(seen(lab({ hosts: [near, far] }, left))).toEqual(['host3 "-host3" 253', 'far "-far" 254']);
    expect(seen(lab({ hosts: [alone] }))).toEqual(['far "" 1']);
  });

  it("is that of its default name too, which is by the order in which hosts have come", () => {
    const unnamed = { ...far, name: undefined };
    const three = lab({ hosts: [near, unnamed, edge] });
    expect(seen(lab({ hosts: [unnamed, edge] }, three))).toEqual([
      'host2 "-host2" 254',
      'host3 "-host3" 253',
    ]);
  });

  it("passes to what has its name or, without one, its place, where its libvirt is elsewhere now", () => {
    const moved = { ...far, libvirtUri: edge.libvirtUri };
    expect(seen(lab({ hosts: [near, moved] }, before))).toEqual(seen(before));
    expect(seen(lab({ hosts: [edge, far] }, before))).toEqual(seen(before));
    expect(seen(lab({ hosts: [{ ...edge, name: "edge" }, far] }, before))[0]).toBe('edge "-edge" 253');
  });

  it("may be an MTU that VXLAN has left, which is kept when it goes, until another one is configured", () => {
    const one = { hosts: [{ ...far, underlay: undefined }] };
    const left = lab(one, before);
    expect(left.segments.server).toMatchObject({ mtu: 1450, mtuOfUnderlay: true });
    expect(lab(one, left).segments.server.mtu).toBe(1450);
    expect(lab({ ...one, serverNetwork: { mtu: 1500 } }, left).segments.server.mtu).toBe(1500);
    expect(lab(one).segments.server.mtu).toBe(1500);
  });

  it("may keep its underlay when it is the only one left, and that MTU", () => {
    const nine = { ...before, segments: { ...before.segments } };
    nine.segments.server = { ...nine.segments.server, mtu: 8950 };
    const left = lab({ hosts: [far] }, nine);
    expect(left.segments.server).toMatchObject({ mtu: 8950, mtuOfUnderlay: true });
    expect(hasTunnels(left)).toBe(false);
    // There is room for a second host to come.
    expect(lab({ hosts: [near] }).segments.server).toMatchObject({ mtu: 1450, mtuOfUnderlay: true });
  });
});

describe("VXLAN", () => {
  it("joins each host's bridges to those of all others, by names and numbers that are the stack's own", () => {
    const one = lab();
    const [first, far] = one.hosts;
    const [client = "", server = ""] = tunnelDevices(one);
    expect([client.length, server.length]).toEqual([11, 11]);
    const [joinClient = "", joinServer = ""] = joinCalls(one, first);
    const number = Number(joinClient.split(" ")[2]);
    expect(joinClient).toBe(
      `join ${client} ${number} 10.199.0.1 1450 ${one.segments.client.bridge} 10.199.0.2`,
    );
    expect(joinServer).toBe(
      `join ${server} ${number + 1} 10.199.0.1 1450 ${one.segments.server.bridge} 10.199.0.2`,
    );
    expect(far && joinCalls(one, far)[0]).toMatch(/ 10\.199\.0\.2 1450 \S+ 10\.199\.0\.1$/);
    const other = parseConfig({ hosts: HOSTS, accelerator: "qemu" }, { project: "lvs-dr", stack: "other" });
    expect(tunnelDevices(other)).not.toEqual(tunnelDevices(one));
  });

  it("is proven by packets of the segment's MTU, and the underlay by those that hold one", () => {
    const one = lab({ serverNetwork: { mtu: 1400 } });
    expect(proveCalls(one, one.hosts[0])).toEqual(["prove 1450 172.18.255.254", "prove 1400 192.168.7.254"]);
    expect(underlayCall(one, one.hosts[0])).toBe("underlay 10.199.0.1");
    expect(underlayCall(one, one.hosts[0], 1450)).toBe("underlay 10.199.0.1 1500 10.199.0.2");
  });

  it("takes 70 bytes of a packet between addresses of IPv6", () => {
    const six = HOSTS.map((host, index) => ({ ...host, underlay: `fd00:199::${index + 1}` }));
    const one = lab({ hosts: six });
    expect(one.segments.server).toMatchObject({ mtu: 1430, mtuOfUnderlay: true });
    expect(underlayCall(one, one.hosts[0], 1430)).toBe("underlay fd00:199::1 1500 fd00:199::2");
  });

  it("is not there where bridges join the hosts, or there is one", () => {
    const bridges = { client: "br-client", server: "br-server" };
    const joined = lab({ hosts: [{ bridges }, { libvirtUri: FAR, hostKey: KEY, bridges }] });
    expect(hasTunnels(joined)).toBe(false);
    expect(labsByHost(joined).map(({ segments }) => segments.server.existingBridge)).toEqual([
      "br-server",
      "br-server",
    ]);
    expect(joined.segments.client.mtu).toBe(1500);
    expect(hasTunnels(lab({ hosts: [{}] }))).toBe(false);
  });
});
