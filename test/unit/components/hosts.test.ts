import { expect, it, vi } from "vitest";
import {
  DOMAIN,
  LOCAL,
  lab,
  NETWORK,
  POOL,
  REMOTE,
  runProgram,
  runWithLibvirt,
  VOLUME,
} from "./support/fixtures";
import { APPLIED_LAB } from "../../../model/lab/naming";
import { find, type Recording } from "./support/recorder";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
const FAR = { name: "far", libvirtUri: "qemu+ssh://root@far:2222/system", hostKey: KEY };
const bridges = { client: "br-client", server: "br-server" };
const NEAR = { bridges };
const BRIDGED = { ...FAR, bridges: { client: "br0", server: "br1" } };
const byBridges = (previous = {}, hosts: readonly object[] = [NEAR, BRIDGED]) =>
  runProgram({ previous, config: { accelerator: "qemu", hosts } });
/** What a stack's state says of the lab as it was last applied. */
const applied = (hosts: readonly object[]) => ({
  record: { type: APPLIED_LAB, outputs: { lab: lab({ accelerator: "qemu", hosts }) } },
});
const names = ({ registrations }: Recording) => registrations.map(({ type, name }) => `${type} ${name}`);
const asked = ({ invocations }: Recording) =>
  invocations.flatMap(({ inputs }) => {
    const { LVS_DR_LIBVIRT_URI: uri } = (inputs.environment ?? {}) as Record<string, string>;
    return uri === undefined ? [] : [uri];
  });

/** The parts of a lab whose hosts VXLAN joins: what the program asks of them beforehand is in test/unit/program/tunnels.test.ts. */
function byTunnels(): Promise<Recording> {
  const described = lab({
    accelerator: "qemu",
    hosts: [{ underlay: "10.199.0.1" }, { ...FAR, underlay: "10.199.0.2" }],
  });
  return runWithLibvirt(async (opts) => {
    const { ComponentResource } = await import("@pulumi/pulumi");
    const { Provider } = await import("@pulumi/libvirt");
    const { clusterParts } = await import("../../../components/lvsCluster");
    const cluster = new ComponentResource("lvsdr:index:LvsCluster", "cluster", {}, opts);
    const providers = new Map([["far", new Provider("far", { uri: FAR.libvirtUri })]]);
    clusterParts(cluster, "cluster", { lab: described, accelerator: "qemu", providers });
    return {};
  });
}

it("each host has a provider, a pool, networks, and an image that the other one is sent", async () => {
  const recording = await byTunnels();
  const providerOf = (type: string, name: string) => find(recording, type, name).options.provider;
  for (const [type, name] of [
    [POOL, "pool"],
    [NETWORK, "client-network"],
    [NETWORK, "server-network"],
  ] as const) {
    expect(providerOf(type, name)).toBe("libvirt");
    expect(providerOf(type, `${name}-far`)).toBe("far");
    expect(find(recording, type, name).inputs.name).toBe(find(recording, type, `${name}-far`).inputs.name);
  }
  const address = (name: string) =>
    (find(recording, NETWORK, name).inputs.ips as { address: string }[])[0]?.address;
  expect(["server-network", "server-network-far"].map(address)).toEqual(["192.168.7.1", "192.168.7.254"]);
  expect(providerOf(VOLUME, "image-far-image")).toBe("far");
  expect(recording.registrations.some(({ name }) => name === "image-image")).toBe(false);
});

it("a guest's parts are on its host, which its boot is watched through", async () => {
  const recording = await byTunnels();
  for (const [name, provider] of [
    ["rs1", "libvirt"],
    ["rs2", "far"],
  ] as const) {
    // By another provider alone Pulumi would not replace them.
    const place = { provider, replacementTrigger: provider === "far" ? "host-far" : "host" };
    expect(find(recording, DOMAIN, name).options).toMatchObject(place);
    for (const part of ["seed", "disk", "console"])
      expect(find(recording, VOLUME, `${name}-${part}`).options).toMatchObject(place);
  }
  const environment = (name: string) => find(recording, LOCAL, name).inputs.environment;
  expect(environment("rs2-boot")).toMatchObject({
    LVS_DR_LIBVIRT_URI: FAR.libvirtUri,
    LVS_DR_PROXY: "root@far",
  });
  expect(environment("rs1-boot")).not.toHaveProperty("LVS_DR_PROXY");
});

it("VXLAN joins the bridges, and no guest starts before each host has proven it", async () => {
  const recording = await byTunnels();
  const near = find(recording, LOCAL, "tunnels-host1").inputs;
  expect(near.create).toMatch(
    /^bash scripts\/host\/vxlan\.sh join lx\w+c \d+ 10\.199\.0\.1 1450 lv\w+c 10\.199\.0\.2 && /,
  );
  expect(near.delete).toMatch(
    /^bash scripts\/host\/vxlan\.sh part lx\w+c && bash scripts\/host\/vxlan\.sh part lx\w+s$/,
  );
  const far = find(recording, REMOTE, "tunnels-far").inputs;
  expect(far.create).toMatch(
    /^script=\$\(cat\) && bash -c "\$script" vxlan\.sh join lx\w+c \d+ 10\.199\.0\.2 /,
  );
  expect(far.connection).toMatchObject({ secret: { host: "far", port: 2222, user: "root", hostKey: KEY } });
  const proofs = [`${LOCAL} tunnels-host1.proof`, `${REMOTE} tunnels-far.proof`];
  for (const name of ["router", "rs1", "rs2", "director"])
    expect(find(recording, DOMAIN, name).options.dependsOn).toEqual(expect.arrayContaining(proofs));
  for (const [type, name] of [
    [LOCAL, "tunnels-host1.proof"],
    [REMOTE, "tunnels-far.proof"],
  ] as const)
    expect(find(recording, type, name).options.dependsOn).toEqual(
      expect.arrayContaining([`${LOCAL} tunnels-host1`, `${REMOTE} tunnels-far`]),
    );
});

it("bridges that are there join them without anything that is made", async () => {
  const recording = await byBridges();
  const providers = recording.registrations.filter(({ type }) => type === "pulumi:providers:libvirt");
  expect(providers.map(({ name, inputs }) => [name, inputs.uri])).toEqual([
    ["libvirt", "qemu:///system"],
    ["cluster-libvirt-far", FAR.libvirtUri],
  ]);
  expect(
    recording.registrations.filter(({ type }) => [NETWORK, "lvsdr:index:Tunnels"].includes(type)),
  ).toEqual([]);
  const sources = (name: string) =>
    (find(recording, DOMAIN, name).inputs.devices as { interfaces: { source: object }[] }).interfaces.map(
      ({ source }) => source,
    );
  expect(sources("router")).toEqual([
    { bridge: { bridge: "br-client" } },
    { bridge: { bridge: "br-server" } },
  ]);
  expect(sources("rs2")).toEqual([{ bridge: { bridge: "br1" } }]);
});

it("a guest is reached through its host", async () => {
  const recording = await byBridges();
  const { hosts } = (recording.outputs.access as { secret: { hosts: Record<string, object> } }).secret;
  expect(hosts.rs2).toMatchObject({ proxy: { host: "far", port: 2222, hostKey: KEY } });
  expect(hosts.rs1).not.toHaveProperty("proxy");
});

it("a host that `scripts/lab` has found silent is asked nothing, and nothing is registered of what it has", async () => {
  const whole = await byBridges();
  expect(asked(whole).sort()).toEqual(["qemu+ssh://root@far:2222/system", "qemu:///system"]);
  vi.stubEnv("LVS_DR_ABSENT_HOSTS", "far");
  const before = { rs2: { address: "192.168.7.20", hostKey: "ssh-ed25519 former" }, rs9: {} };
  const without = await byBridges({ access: { privateKey: "", hosts: before } }).finally(() =>
    vi.unstubAllEnvs(),
  );
  expect(asked(without)).toEqual(["qemu:///system"]);
  const left = new Set(names(without));
  const missing = names(whole).filter((each) => !left.has(each));
  expect(names(without)).toHaveLength(names(whole).length - missing.length);
  expect(missing.filter((each) => !/ (rs2\b.*|\S+-far\b.*)$/.test(each))).toEqual([]);
  expect(missing).toContain(`${DOMAIN} rs2`);
  const { hosts } = (without.outputs.access as { secret: { hosts: object } }).secret;
  expect(hosts).toMatchObject({ rs2: before.rs2, rs1: {} });
});

it("one that is said to be away, and is none of the hosts, is refused", async () => {
  vi.stubEnv("LVS_DR_ABSENT_HOSTS", "fra");
  await expect(byBridges().finally(() => vi.unstubAllEnvs())).rejects.toThrow(
    "LVS_DR_ABSENT_HOSTS: no host is called fra; there are host1, far.",
  );
});

it("so it is of the first one, with its provider, and with router and client or without", async () => {
  const hosts = [BRIDGED, NEAR];
  const whole = await byBridges({}, hosts);
  expect(names(whole)).toEqual(
    expect.arrayContaining([
      "pulumi:providers:libvirt libvirt",
      "pulumi:providers:libvirt cluster-libvirt-host2",
    ]),
  );
  vi.stubEnv("LVS_DR_ABSENT_HOSTS", "far");
  const without = await byBridges(applied(hosts), hosts).finally(() => vi.unstubAllEnvs());
  expect(asked(without)).toEqual(["qemu:///system"]);
  const left = names(without);
  const missing = names(whole).filter((each) => !left.includes(each));
  expect(left).toHaveLength(names(whole).length - missing.length);
  const gone = / (libvirt|pool|client-network|server-network|image\S*|(router|client|director|rs1)\b.*)$/;
  expect(missing.filter((each) => !gone.test(each))).toEqual([]);
  expect(missing).toEqual(
    expect.arrayContaining(["pulumi:providers:libvirt libvirt", `${POOL} pool`, `${DOMAIN} router`]),
  );
  expect(without.outputs).toHaveProperty("imageDigest");
});

it("what the others have bears the same names when the first has left", async () => {
  const whole = await byBridges({}, [BRIDGED, NEAR]);
  const left = await byBridges(applied([BRIDGED, NEAR]), [NEAR]);
  const near = (recording: Recording) => names(recording).filter((each) => /host2|rs2/.test(each));
  expect(near(left)).toEqual(near(whole));
  expect(near(left).length).toBeGreaterThan(10);
  const providers = left.registrations.filter(({ type }) => type === "pulumi:providers:libvirt");
  expect(providers.map(({ name }) => name)).toEqual(["cluster-libvirt-host2"]);
  expect(find(left, DOMAIN, "rs1").options.provider).toBe("cluster-libvirt-host2");
});

it("the outputs say which host each node is on, where there are several", async () => {
  const { outputs } = await byBridges();
  expect(outputs.nodes).toMatchObject({ rs1: { host: "host1" }, rs2: { host: "far", role: "realServer" } });
  expect((await runProgram({ config: { accelerator: "qemu" } })).outputs.nodes).not.toHaveProperty(
    "rs1.host",
  );
});

it("one host in the list is what libvirtUri was", async () => {
  const plain = await runProgram({ config: { accelerator: "qemu" } });
  const listed = await runProgram({ config: { accelerator: "qemu", hosts: [{}] } });
  expect(names(listed)).toEqual(names(plain));
});

it("what speaks against a host is said by the key that it has in the list, and of the image once", async () => {
  const facts = { libvirt: { error: "Connection refused" }, missingImage: "/images/0123" };
  const hosts = [{ bridges }, { ...FAR, bridges: { client: "br0", server: "br1" } }];
  const error: unknown = await runProgram({ config: { accelerator: "qemu", hosts }, facts }).catch(
    (each: unknown) => each,
  );
  const { message } = error as Error;
  expect(message).toContain('hosts[0].libvirtUri = "qemu:///system": on host1, libvirt does not answer');
  expect(message).toContain(`hosts[1].libvirtUri = "${FAR.libvirtUri}": on far, libvirt does not answer`);
  expect(message.match(/not built/g)).toHaveLength(1);
});
