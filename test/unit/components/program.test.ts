import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { builtDigest } from "../../../lib/diskImage";
import { READ_RESOURCE_OUTPUTS, READ_STACK_OUTPUTS } from "../../../program/handoverProbe";
import { DRY_RUN } from "../../../program/ldirectordProbe";
import { WHERE } from "../../../program/reach";
import { Redactor } from "../../../engine/redact";
import { secret, type Value } from "../../../lib/properties";
import { labNodes, type VirtualService } from "../../../model/lab/types";
import { DOMAIN, HEALTH, lab, LOCAL, NETWORK, RANDOM, REMOTE, runProgram, VOLUME } from "./support/fixtures";
import { find, UNKNOWN, type Invocation, type Recording } from "./support/recorder";

const REMOTE_HOST = { libvirtUri: "qemu+ssh://user@host:2222/system", accelerator: "kvm" };

/** Built or not; without it the digest of its content is not known. */
const OWN_IMAGE = execFileSync("bash", ["-c", ". scripts/image/lib.sh && image_directory"], {
  encoding: "utf8",
}).trim();

function machineUrns(stack: string, name: string, role: string, component: string): string[] {
  const urn = `urn:pulumi:${stack}::lvs-dr::`;
  return [
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:VirtualMachine::${name}`,
    `${urn}lvsdr:index:VirtualMachine$random:index/randomPassword:RandomPassword::${name}-host-key`,
    `${urn}lvsdr:index:VirtualMachine$command:local:Command::${name}-seed`,
    `${urn}lvsdr:index:VirtualMachine$libvirt:index/volume:Volume::${name}-seed`,
    `${urn}lvsdr:index:VirtualMachine$libvirt:index/volume:Volume::${name}-disk`,
    `${urn}lvsdr:index:VirtualMachine$libvirt:index/volume:Volume::${name}-console`,
    `${urn}lvsdr:index:VirtualMachine$command:local:Command::${name}-boot`,
    `${urn}lvsdr:index:VirtualMachine$libvirt:index/domain:Domain::${name}`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:${role}::${component}`,
    `${urn}lvsdr:index:${role}$command:remote:Command::${component}`,
  ];
}

/** What the stack's own resources are called; mocks leave grandparents out of a URN. */
function labUrns(realServers: readonly string[], stack = "dev"): string[] {
  const urn = `urn:pulumi:${stack}::lvs-dr::`;
  return [
    `${urn}pulumi:pulumi:Stack::lvs-dr-${stack}`,
    `${urn}pulumi:pulumi:Stack$pulumi:providers:libvirt::libvirt`,
    `${urn}pulumi:pulumi:Stack$lvsdr:index:LvsCluster::cluster`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:Pool::pool`,
    `${urn}lvsdr:index:Pool$libvirt:index/pool:Pool::pool`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:Network::client-network`,
    `${urn}lvsdr:index:Network$libvirt:index/network:Network::client-network`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:Network::server-network`,
    `${urn}lvsdr:index:Network$libvirt:index/network:Network::server-network`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:GuestImage::image`,
    `${urn}lvsdr:index:LvsCluster$lvsdr:index:AppliedLab::lab`,
    `${urn}lvsdr:index:LvsCluster$random:index/randomPassword:RandomPassword::ssh-key`,
    ...machineUrns(stack, "client", "Client", "client"),
    ...machineUrns(stack, "router", "Router", "router"),
    ...machineUrns(stack, "director", "Director", "director"),
    ...realServers.flatMap((name) => machineUrns(stack, name, "RealServer", name)),
  ].sort();
}

/** Values as they travel: recordings leave the signature of secrets out. */
function wired(value: unknown): Value {
  if (Array.isArray(value)) return value.map(wired);
  if (typeof value !== "object" || value === null) return value as Value;
  const entries = Object.entries(value).map(([key, inner]) => [key, wired(inner)] as const);
  const [[key, inner] = ["", null]] = entries;
  return entries.length === 1 && key === "secret" ? secret(inner) : Object.fromEntries(entries);
}

const commands = ({ invocations }: Recording): string[] =>
  invocations.flatMap(({ inputs }) => (inputs.command === undefined ? [] : [String(inputs.command)])).sort();
const urnsOf = ({ urns }: Recording): string[] => [...urns].sort();
const ofType = ({ registrations }: Recording, type: string) =>
  registrations.filter((each) => each.type === type);
const dependsOn = (recording: Recording, type: string, name: string) =>
  find(recording, type, name).options.dependsOn ?? [];

let article: Recording;
beforeAll(async () => {
  article = await runProgram();
});

describe("the program with an empty configuration", () => {
  it("registers the article's lab, and nothing else", () => {
    expect(urnsOf(article)).toEqual(labUrns(["rs1", "rs2"]));
    expect(article.registrations.filter(({ options }) => options.unexpected)).toEqual([]);
  });

  it("knows the cluster's parts of a stack from before there was a cluster by their former parent", () => {
    const parts = article.registrations.filter(({ parent }) => parent === "lvsdr:index:LvsCluster cluster");
    expect(parts).toHaveLength(16);
    for (const { options } of parts) expect(options.wasTopLevel).toBe(true);
    const others = article.registrations.filter((each) => !parts.includes(each));
    expect(others.filter(({ options }) => options.wasTopLevel)).toEqual([]);
  });

  it("asks the host before, and the cluster after", () => {
    const { invocations } = article;
    const ask = (command: string) => expect.objectContaining({ command, logging: "none" });
    // All but the first and the last two side by side.
    const order = [READ_RESOURCE_OUTPUTS, READ_STACK_OUTPUTS, DRY_RUN, "bash scripts/host/facts.sh", WHERE];
    const place = ({ token, inputs }: Invocation): number =>
      (order.indexOf(String(inputs.command ?? token)) + order.length + 1) % (order.length + 1);
    const asked = [...invocations].sort((x, y) => place(x) - place(y));
    expect(asked.map(({ token }) => token)).toEqual([
      READ_RESOURCE_OUTPUTS,
      READ_STACK_OUTPUTS,
      ...Array<string>(5).fill("command:local:run"),
    ]);
    expect(asked.map(({ inputs }) => inputs)).toEqual([
      { stackName: "organization/lvs-dr/dev" },
      { name: "organization/lvs-dr/dev" },
      expect.objectContaining({
        command: DRY_RUN,
        stdin: expect.stringContaining("virtual=10.0.0.100:80\n") as string,
      }),
      expect.objectContaining({
        command: "bash scripts/host/facts.sh",
        environment: { LVS_DR_LIBVIRT_URI: "qemu:///system" },
      }),
      ask(WHERE),
      ask("bash scripts/host/accelerator.sh"),
      ask("node --import tsx health/observeMain.ts"),
    ]);
  });

  it("tells where everything is; only how to log in is a secret", () => {
    const { outputs, componentOutputs } = article;
    const hostKey = (name: string) => {
      const machine = componentOutputs[`lvsdr:index:VirtualMachine ${name}`] as { hostKey: string };
      return machine.hostKey;
    };
    const key: unknown = expect.stringMatching(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    expect(outputs).toEqual({
      vip: "10.0.0.100",
      url: "http://10.0.0.100:80/",
      nodes: {
        router: { role: "router", address: "192.168.7.200" },
        client: { role: "client", address: "172.18.7.70" },
        director: { role: "director", address: "192.168.7.30" },
        rs1: { role: "realServer", address: "192.168.7.10" },
        rs2: { role: "realServer", address: "192.168.7.20" },
      },
      health: HEALTH,
      imageDigest: builtDigest(`${OWN_IMAGE}/disk.qcow2`),
      privateKey: { secret: key },
      // As a whole: whoever asks of an output whether it is secret hears that it is.
      access: {
        secret: {
          privateKey: key,
          hosts: Object.fromEntries(
            labNodes(lab()).map(({ name, address }) => [
              name,
              { address, user: "root", hostKey: hostKey(name) },
            ]),
          ),
        },
      },
    });
    expect(componentOutputs["lvsdr:index:AppliedLab lab"]).toEqual({ lab: lab() });
    expect(new Set(labNodes(lab()).map(({ name }) => hostKey(name))).size).toBe(5);
  });

  it("configures the director last, over connections that pin each guest's key", () => {
    expect(find(article, "lvsdr:index:Director", "director").options).toMatchObject({
      dependsOn: ["client", "router", "rs1", "rs2"].map((name) => `${REMOTE} ${name}`),
    });
    for (const node of labNodes(lab())) {
      const { inputs, options } = find(article, REMOTE, node.name);
      expect(inputs.connection).toMatchObject({ secret: { host: node.address, user: "root" } });
      expect(options.dependsOn).toEqual([
        `${LOCAL} ${node.name}-boot`,
        `${DOMAIN} ${node.name}`,
        `${VOLUME} ${node.name}-disk`,
        `${VOLUME} ${node.name}-seed`,
        `${RANDOM} ${node.name}-host-key`,
        `${RANDOM} ssh-key`,
      ]);
    }
  });

  it("uses the plugins of the SDKs that package.json pins", () => {
    const { plugins } = article;
    expect(plugins).toMatchObject({ [LOCAL]: "1.2.1", [REMOTE]: "1.2.1", [RANDOM]: "4.21.2" });
    expect(plugins[DOMAIN]).toBe(plugins["pulumi:providers:libvirt"]);
  });

  it("lets all guests boot at once with KVM, and without it some at a time, in the order of the nodes", async () => {
    const tcg = await runProgram({ accelerator: "qemu", config: { bootParallel: 2 } });
    const turns = (recording: Recording) =>
      Object.fromEntries(
        ["router", "client", "rs1", "rs2", "director"].map((name) => [
          name,
          dependsOn(recording, DOMAIN, name).filter((each) => each.startsWith(REMOTE)),
        ]),
      );
    expect(turns(article)).toEqual({ router: [], client: [], rs1: [], rs2: [], director: [] });
    expect(turns(tcg)).toEqual({
      router: [],
      client: [],
      rs1: [`${REMOTE} router`],
      rs2: [`${REMOTE} client`],
      director: [`${REMOTE} rs1`],
    });
    expect(ofType(article, DOMAIN).map(({ inputs }) => inputs.type)).toEqual(Array(5).fill("kvm"));
    expect(ofType(tcg, DOMAIN).map(({ inputs }) => inputs.type)).toEqual(Array(5).fill("qemu"));
  });

  it("previews without a guest: health and keys unknown, addresses known", async () => {
    const recording = await runProgram({ preview: true });
    expect(urnsOf(recording)).toEqual(labUrns(["rs1", "rs2"]));
    expect(commands(recording)).toEqual(
      [DRY_RUN, "bash scripts/host/facts.sh", "bash scripts/host/accelerator.sh", WHERE].sort(),
    );
    expect(recording.outputs).toMatchObject({ vip: "10.0.0.100", health: UNKNOWN });
    const { lab: record } = recording.componentOutputs["lvsdr:index:AppliedLab lab"] as { lab: object };
    expect(record).toMatchObject({ configHash: UNKNOWN });
    expect(find(recording, REMOTE, "rs1").inputs.triggers).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
  });
});

describe("the program with a configuration", () => {
  it("builds as many real servers as asked for", async () => {
    const recording = await runProgram({ config: { realServerCount: 3 } });
    expect(urnsOf(recording)).toEqual(labUrns(["rs1", "rs2", "rs3"]));
  });

  it("attaches to an existing bridge and pool without making them", async () => {
    const recording = await runProgram({ config: { clientNetwork: { bridge: "br0" }, pool: "default" } });
    const made = ["Network::client-network", "Pool::pool"].map(
      (tail) => new RegExp(`\\$libvirt:.*:${tail}$`),
    );
    expect(urnsOf(recording)).toEqual(
      labUrns(["rs1", "rs2"]).filter((urn) => !made.some((it) => it.test(urn))),
    );
    expect(ofType(recording, VOLUME).map(({ inputs }) => inputs.pool)).toEqual(Array(15).fill("default"));
  });

  it("goes through the libvirt host for each connection when that is another one", async () => {
    const recording = await runProgram({ config: REMOTE_HOST });
    const uploads = ["image", "vmlinuz", "initrd"].map(
      (part) => `urn:pulumi:dev::lvs-dr::lvsdr:index:GuestImage$libvirt:index/volume:Volume::image-${part}`,
    );
    expect(urnsOf(recording)).toEqual([...labUrns(["rs1", "rs2"]), ...uploads].sort());
    expect(find(recording, "pulumi:providers:libvirt", "libvirt").inputs).toEqual({
      uri: REMOTE_HOST.libvirtUri,
    });
    const proxy = { host: "host", user: "user", port: 2222 };
    expect(ofType(recording, REMOTE)).toHaveLength(5);
    for (const { inputs } of ofType(recording, REMOTE)) {
      expect(inputs.connection).toMatchObject({
        secret: { proxy: { ...proxy, dialErrorLimit: 3, perDialTimeout: 15 } },
      });
    }
    const { hosts } = (recording.outputs.access as { secret: { hosts: Record<string, object> } }).secret;
    expect(Object.values(hosts)).toEqual(Array(5).fill(expect.objectContaining({ proxy })));
    // This host's accelerator says nothing about that one.
    expect(commands(recording)).toEqual(
      ["bash scripts/host/facts.sh", DRY_RUN, "node --import tsx health/observeMain.ts"].sort(),
    );
    expect(dependsOn(recording, VOLUME, "rs1-disk")).toContain(`${VOLUME} image-image`);
  });

  it("opens the libvirt host with the key and the pin of the configuration", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lvs-dr-test-"));
    const keyFile = join(directory, "id");
    writeFileSync(keyFile, "a private key");
    const libvirtUri = `${REMOTE_HOST.libvirtUri}?keyfile=${keyFile}`;
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";
    const config = { ...REMOTE_HOST, libvirtUri, remoteHostKey: `${hostKey} root@host` };
    const recording = await runProgram({ config });
    rmSync(directory, { recursive: true });
    const proxy = { host: "host", user: "user", port: 2222, hostKey };
    for (const { inputs } of ofType(recording, REMOTE)) {
      const { secret } = inputs.connection as { secret: object };
      expect(secret).toMatchObject({ proxy: { ...proxy, privateKey: "a private key" } });
    }
    // The outputs name the file, and do not hold what is in it.
    const { hosts } = (recording.outputs.access as { secret: { hosts: Record<string, object> } }).secret;
    expect(Object.values(hosts)).toEqual(
      Array(5).fill(expect.objectContaining({ proxy: { ...proxy, keyFile } })),
    );
    expect(JSON.stringify(recording.outputs)).not.toContain("a private key");
    const asked = recording.invocations.find(({ inputs }) => inputs.command === "bash scripts/host/facts.sh");
    expect(asked?.inputs.environment).toEqual({
      LVS_DR_LIBVIRT_URI: libvirtUri,
      LVS_DR_PRIVATE_KEY: keyFile,
    });
  });

  it("tells the router the director's MAC with the static ARP strategy", async () => {
    const recording = await runProgram({ config: { arpStrategy: "static" } });
    const stdin = (name: string) => String(find(recording, REMOTE, name).inputs.stdin);
    expect(stdin("router")).toContain(
      `\nreadonly LVS_NEIGHBOURS='10.0.0.100 ${lab().directors[0].nics[0]?.mac}'\n`,
    );
    for (const name of ["rs1", "rs2"]) expect(stdin(name)).toContain("readonly LVS_ARP_STRATEGY='static'\n");
  });

  it("shows a check's password nowhere", async () => {
    const check = { service: "mysql", login: "u", passwd: "hunter2", database: "d", request: "SELECT 1" };
    const { registrations, outputs, componentOutputs } = await runProgram({
      config: {
        healthCheck: check,
        workloads: [{ name: "own" }],
        services: [{ name: "main", workload: "own" }],
      },
    });
    const veiled = JSON.stringify([registrations, outputs, componentOutputs], (_key, value: object | null) =>
      value !== null && typeof value === "object" && "secret" in value ? "[secret]" : value,
    );
    expect(JSON.stringify(registrations)).toContain("hunter2");
    expect(veiled).not.toContain("hunter2");
  });

  it("veils of the recorded lab no more than its checks' passwords, so that messages may name guests and addresses", async () => {
    const radius = { service: "radius", login: "u", passwd: "hunter2", secret: "correct horse" };
    const config = {
      services: [{ port: 1812, protocol: "udp", healthCheck: { checktype: "negotiate", ...radius } }],
    };
    const recording = await runProgram({ config });
    const { services, ...rest } = lab(config);
    const { check, ...service } = services[1] as VirtualService;
    const veils = { passwd: { secret: "hunter2" }, secret: { secret: "correct horse" } };
    expect(recording.componentOutputs["lvsdr:index:AppliedLab lab"]).toEqual({
      lab: { ...rest, services: [services[0], { ...service, check: { ...check, ...veils } }] },
    });

    const redactor = new Redactor();
    redactor.learn(wired([recording.outputs, recording.componentOutputs]));
    const said = (password: string) =>
      `lvs-dr-dev-rs1 at 192.168.7.10: no answer to ${password} through 10.0.0.100`;
    expect(redactor.redact(said("hunter2"))).toBe(said("[secret]"));
    expect(redactor.redact(said("correct horse"))).toBe(said("[secret]"));
  });

  it("shows a private key and the texts of files nowhere; the authority's certificate is what client and director get", async () => {
    const smtp = {
      name: "smtp",
      script: "examples/protocols/smtp.sh",
      files: ["examples/protocols/mysql.sql"],
    };
    const config = {
      workloads: [smtp],
      services: [
        { name: "tls", port: 443 },
        { name: "mail", port: 25, workload: "smtp" },
      ],
    };
    const recording = await runProgram({ config });
    const { registrations, outputs, componentOutputs } = recording;
    const all = [registrations, outputs, componentOutputs];
    const veiled = JSON.stringify(all, (_key, value: object | null) =>
      value !== null && typeof value === "object" && "secret" in value ? "[secret]" : value,
    );
    for (const text of ["BEGIN PRIVATE KEY", "IDENTIFIED BY"]) {
      expect(JSON.stringify(all)).toContain(text);
      expect(veiled).not.toContain(text);
    }
    const stdin = (name: string): unknown => find(recording, REMOTE, name).inputs.stdin;
    expect(stdin("client")).toMatch(/readonly LVS_CA='-----BEGIN CERTIFICATE-----/);
    expect(stdin("director")).toMatch(
      /"tcp:10\.0\.0\.100:443":\{"verify":true,"ca":"-----BEGIN CERTIFICATE-----/,
    );
    expect(stdin("router")).not.toContain("CERTIFICATE");
  });

  it("shows the texts of the director's files nowhere, and nobody else gets them", async () => {
    const config = { director: { files: ["examples/protocols/mysql.sql"] } };
    const recording = await runProgram({ config });
    const veiled = JSON.stringify(
      [recording.registrations, recording.outputs, recording.componentOutputs],
      (_key, value: object | null) =>
        value !== null && typeof value === "object" && "secret" in value ? "[secret]" : value,
    );
    expect(veiled).not.toContain("IDENTIFIED BY");
    const stdin = (name: string): unknown => find(recording, REMOTE, name).inputs.stdin;
    expect(stdin("director")).toEqual({
      secret: expect.stringContaining("readonly LVS_FILES='mysql.sql'\n"),
    });
    for (const name of ["router", "client", "rs1"]) expect(stdin(name)).not.toContain("IDENTIFIED BY");
    const applied = recording.componentOutputs["lvsdr:index:AppliedLab lab"];
    const texts = { "mysql.sql": expect.stringContaining("IDENTIFIED BY") as string };
    expect(applied).toMatchObject({ lab: { directorFiles: { secret: texts } } });
  });

  it("shares nothing with another stack on the same host", async () => {
    const config = { clientNetwork: { cidr: "172.19.0.0/16" }, serverNetwork: { cidr: "192.168.8.0/24" } };
    const second = await runProgram({ stack: "second", config });
    expect(urnsOf(second)).toEqual(labUrns(["rs1", "rs2"], "second"));
    const unique = (recording: Recording): string[] => {
      const libvirt = recording.registrations.filter(({ type }) => type.startsWith("libvirt:"));
      const text = JSON.stringify(recording.registrations.map(({ inputs }) => inputs));
      return [
        ...libvirt.map(({ inputs }) => String(inputs.name)),
        ...ofType(recording, NETWORK).map(({ inputs }) => (inputs.bridge as { name: string }).name),
        ...ofType(recording, LOCAL).map(({ inputs }) => String(inputs.create)),
        ...new Set(text.match(/52:54:00(:[0-9a-f]{2}){3}/g)),
        ...new Set(text.match(/ssh-ed25519 [A-Za-z0-9+/]+/g)),
      ];
    };
    const [names, others] = [unique(article), unique(second)];
    // 5 domains, 15 volumes, 2 networks, 1 pool; 2 bridges, 5 seeds, 6 MACs and the 5 pinned keys.
    expect(names).toHaveLength(46);
    expect(names.filter((name) => others.includes(name))).toEqual([]);
  });
});

describe("the program refuses", () => {
  async function refusal(options: Parameters<typeof runProgram>[0]) {
    const types: string[] = [];
    let seen: readonly { type: string }[] = [];
    const error: unknown = await runProgram(options, ({ registrations }) => (seen = registrations)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    types.push(...seen.map(({ type }) => type));
    return { message: error instanceof Error ? error.message : "", isRunError: isRunError(error), types };
  }
  // What a person did wrong is shown without a stack trace, and has none that would take seconds to format.
  const isRunError = (error: unknown) =>
    (error as { __pulumiRunError?: boolean }).__pulumiRunError === true &&
    !String((error as Error).stack).includes("\n    at ");

  it("a bad configuration with every problem at once, before any resource", async () => {
    const { message, isRunError: plain, types } = await refusal({ config: { vip: "10.0.0.300", port: 0 } });
    expect(message).toMatch(/vip = "10.0.0.300"[^]*port = 0/);
    expect(plain).toBe(true);
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("what the host cannot carry, before any resource", async () => {
    const facts = {
      missingImage: "/images/0123",
      libvirt: { error: "Connection refused" },
      versions: { qemu: "6.0" },
    };
    const { message, isRunError: plain, types } = await refusal({ facts });
    expect(message).toMatch(
      /libvirt does not answer: Connection refused[^]*host.qemu = "6.0": is outside[^]*image: .* not built[^]*: scripts\/lab image\.$/,
    );
    expect(plain).toBe(true);
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("what the host's ldirectord takes otherwise, or not at all, before any resource", async () => {
    const dryRun = [
      "-A -t 10.0.0.100:80 -s wrr",
      "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1 -x 0 -y 5",
      "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 3",
    ];
    expect((await runProgram({ dryRun: dryRun.join("\n") })).outputs).toHaveProperty("vip");
    const other = await refusal({ dryRun: dryRun.join("\n").replace("-w 3", "-w 1") });
    expect(other.message).toMatch(
      /not make of the configuration what is expected:\n {2}.*192.168.7.20:80.*-g -w 1, expected -g -w 3/,
    );
    expect(other.isRunError).toBe(true);
    const bad = await refusal({ dryRun: "Error reading file the file at line 2: Unknown command\nexit 2" });
    expect(bad.message).toMatch(
      /what is expected:\n {2}Error reading file the file at line 2: Unknown command$/,
    );
    expect(bad.types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("both at once: what the host cannot carry, and what its ldirectord does not take", async () => {
    const facts = { missingImage: "/images/0123", libvirt: { error: "Connection refused" } };
    const dryRun = "Error reading file the file at line 2: Unknown command\nexit 2";
    const { message, isRunError: plain, types } = await refusal({ facts, dryRun });
    expect(message).toMatch(
      /^The configuration has 2 problems:\n.*Connection refused[^]*image: .* not built.*\nldirectord on this host .*\n {2}Error reading file/,
    );
    expect(plain).toBe(true);
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("a renamed real server at its address: the guest of the old name would have it until the end", async () => {
    const {
      message,
      isRunError: plain,
      types,
    } = await refusal({
      config: { realServers: [{ name: "web", address: "192.168.7.10" }, { name: "rs2" }] },
      previous: (await runProgram()).outputs,
    });
    expect(message).toMatch(
      /realServers\[0\]\.address = "192\.168\.7\.10": is the address of rs1, from which web cannot/,
    );
    expect(plain).toBe(true);
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("an `up` from where no guest can be reached; a preview goes on, with health unknown", async () => {
    const { message, types } = await refusal({ where: "lvs-lab" });
    expect(message).toBe(
      "the guests' networks are in the network namespace lvs-lab, and no guest can be reached from here: run `scripts/lab exec pulumi up`",
    );
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
    const recording = await runProgram({ where: "lvs-lab", preview: true });
    expect(recording.outputs).toMatchObject({ vip: "10.0.0.100", health: UNKNOWN });
    expect((await refusal({ where: "lost" })).message).toContain("scripts/host/prepare.sh daemons");
  });

  it("nothing when it fails itself: that error is shown as it is", async () => {
    const broken = await refusal({ accelerator: "kvm", facts: null as never });
    expect(broken.isRunError).toBe(false);
    expect(broken.message).toContain("null");
  });

  it("another host whose libvirt does not answer, for which this one's memory counts nothing", async () => {
    const facts = { memory: { availableMiB: 100 }, libvirt: { error: "Host key verification failed." } };
    const { message, types } = await refusal({ config: REMOTE_HOST, facts });
    expect(message).toMatch(
      /Host key verification failed\.\..* ssh -p 2222 user@host virsh -c qemu:\/\/\/system uri/,
    );
    expect(message).not.toContain("memory");
    expect(types).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("to be long: index.ts stays under 80 lines", () => {
    expect(execFileSync("wc", ["-l", "index.ts"], { encoding: "utf8" })).toMatch(/^[1-7]?\d index\.ts\n$/);
  });
});
