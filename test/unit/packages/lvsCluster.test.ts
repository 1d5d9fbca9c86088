import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { APPLIED_LAB } from "../../../model/lab/naming";
import { CheckService, PairManager, Scheduler, type LvsClusterArgs } from "../../../packages/lvs-dr/args";
import {
  DOMAIN,
  lab,
  NETWORK,
  POOL,
  REMOTE,
  resources,
  runClusters,
  runPreflights,
} from "../components/support/fixtures";
import { find, UNKNOWN } from "../components/support/recorder";

/** Networks beside those of the article. */
const db = {
  clientNetwork: { cidr: "172.29.0.0/16" },
  serverNetwork: { cidr: "192.168.79.0/24" },
  vipCidr: "10.79.0.0/16",
  accelerator: "kvm",
} as never;

const applied = (recording: Awaited<ReturnType<typeof runClusters>>, name: string) =>
  (recording.componentOutputs[`${APPLIED_LAB} ${name}-lab`] as { lab: Record<string, unknown> }).lab;

describe("a cluster of the package", () => {
  it("stands beside others of its stack: each has names and a provider of its own", async () => {
    const recording = await runClusters({ web: {}, db });
    expect(new Set(recording.urns).size).toBe(recording.urns.length);
    const parts = resources(recording).filter(({ type }) => type !== "lvsdr:index:LvsCluster");
    expect(parts.filter(({ name }) => !/^(web|db)-/.test(name))).toEqual([]);
    expect(parts.filter(({ options }) => options.wasTopLevel)).toEqual([]);
    for (const name of ["web", "db"]) {
      expect(find(recording, "pulumi:providers:libvirt", `${name}-libvirt`).inputs).toEqual({
        uri: "qemu:///system",
      });
      for (const type of [POOL, NETWORK])
        for (const each of parts.filter((part) => part.type === type && part.name.startsWith(`${name}-`)))
          expect(each.options.provider, each.name).toBe(`${name}-libvirt`);
      expect(find(recording, DOMAIN, `${name}-rs1`).inputs.name).toBe(`lvs-dr-dev-${name}-rs1`);
    }
    expect(recording.outputs.vips).toEqual(["10.0.0.100", "10.79.0.100"]);
  });

  it("refuses networks that another cluster of the program makes on the same host", async () => {
    const half = { ...(db as object), serverNetwork: { cidr: "192.168.7.128/25" } };
    await expect(runPreflights({ web: {}, half })).rejects.toThrow(
      [
        "LvsCluster half has a problem:",
        '  serverNetwork.cidr = "192.168.7.128/25": overlaps serverNetwork.cidr 192.168.7.0/24 of LvsCluster web on the same host. Fix: give each cluster networks of its own.',
      ].join("\n"),
    );
    const far = {
      libvirtUri: "qemu+ssh://admin@far.example/system?keyfile=/keys/far",
      remoteHostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJ1aWx0QnlUaGVMYWJGb3JUaGVVbml0VGVzdHNPbmx5",
    };
    await expect(runPreflights({ web: {}, far: { ...half, ...far } })).resolves.toBeDefined();
    // Programs of one process have nothing to do with each other.
    await expect(runPreflights({ half })).resolves.toBeDefined();
  });

  it("takes what a stack's file takes, and what Pulumi's types have no union for in other words", async () => {
    const recording = await runClusters({
      web: {
        vip: "10.0.0.7",
        scheduler: Scheduler.Wlc,
        sorryServer: { enabled: false },
        healthCheck: { checktype: "4" },
        realServers: [{ name: "one", address: "192.168.7.41", weight: 2 }],
        services: [
          { name: "all", ports: ["all"], vip: "10.0.0.8", persistent: 60 },
          { name: "group", ports: ["8080", "30000-30010"], vip: "10.0.0.9", persistent: 60 },
        ],
      },
    });
    const written = lab(
      {
        vip: "10.0.0.7",
        scheduler: "wlc",
        sorryServer: false,
        healthCheck: { checktype: 4 },
        realServers: [{ name: "one", address: "192.168.7.41", weight: 2 }],
        services: [
          { name: "all", ports: "all", vip: "10.0.0.8", persistent: 60 },
          { name: "group", ports: [8080, "30000-30010"], vip: "10.0.0.9", persistent: 60 },
        ],
      },
      "dev-web",
    );
    expect(applied(recording, "web")).toMatchObject(JSON.parse(JSON.stringify(written)) as object);
  });

  it("refuses every mistake at once, with its name, before anything of it is made", async () => {
    const args = { vip: "10.0.0", port: 0, healthCheck: { checkinterval: 0 }, realServer: [] } as never;
    const error = await runPreflights({ web: args }).catch((each: unknown) => each as Error);
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    const [headline, ...lines] = String((error as Error).message).split("\n");
    expect(headline).toBe("LvsCluster web has 4 problems:");
    expect(lines.map((line) => line.trim().split(/[ :]/)[0]).sort()).toEqual([
      "healthCheck.checkinterval",
      "port",
      "realServer",
      "vip",
    ]);
  });

  it("refuses what the host cannot carry", async () => {
    const facts = { missingImage: "/images/none" } as never;
    await expect(runPreflights({ web: {} }, { facts })).rejects.toThrow(/\/images\/none/);
    await expect(runPreflights({ "we b": {} })).rejects.toThrow(
      'LvsCluster "we b": a cluster\'s name consists of letters',
    );
  });

  it("keeps a password secret, and refuses one that is not there yet", async () => {
    const cluster = (passwd: pulumi.Input<string>): LvsClusterArgs => ({
      port: 389,
      sorryServer: { enabled: false },
      healthCheck: { service: CheckService.Ldap, login: "cn=check", passwd },
      workloads: [{ name: "directory" }],
      services: [{ name: "main", workload: "directory" }],
    });
    const recording = await runClusters({ web: cluster(pulumi.secret("pass-word")) });
    expect(find(recording, REMOTE, "web-director").inputs.stdin).toEqual({
      secret: expect.stringContaining("pass-word") as unknown,
    });
    const later = pulumi.output(pulumi.unknown) as unknown as pulumi.Output<string>;
    await expect(runPreflights({ web: cluster(later) }, { preview: true })).rejects.toThrow(
      "LvsCluster web: an argument depends on a resource that is not there yet",
    );
  });

  it("changes two directors one after the other, as its record of the last `up` has them", async () => {
    const pair = { directors: [{}, {}], highAvailability: { manager: PairManager.Keepalived } };
    const first = await runClusters({ web: pair });
    const waits = (recording: typeof first) =>
      find(recording, DOMAIN, "web-director").options.dependsOn?.filter((each) => each.endsWith("director2"));
    expect(waits(first)).toEqual([]);
    const record = { "urn:…::web-lab": { type: APPLIED_LAB, outputs: { lab: applied(first, "web") } } };
    expect(waits(await runClusters({ web: pair }, { previous: record }))).not.toEqual([]);
  });

  it("does not know its health in a preview", async () => {
    const { outputs } = await runClusters({ web: {} }, { preview: true });
    expect(outputs.health).toEqual([UNKNOWN]);
  });
});
