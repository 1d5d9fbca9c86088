import { readFileSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, vi } from "vitest";
import { READ_STACK_OUTPUTS } from "../../../program/handoverProbe";
import type { Login } from "../../../lib/ssh";
import type { Access } from "../../../model/lab/access";
import type { GuestRole, Host } from "../../../components/guestRole";
import { perlServices } from "../../../model/director/checkServices";
import { guestSettings } from "../../../model/guest/settings";
import { renderGuestTable } from "../../../model/director/ipvs/guestTable";
import { ldirectordFor, renderLdirectord } from "../../../model/director/ldirectord/ldirectord";
import { shellQuote } from "../../../lib/text";
import { hasPassword, labNodes, type Lab, type LabNode } from "../../../model/lab/types";
import { component, HEALTH, lab, LOCAL, RANDOM, REMOTE, resources } from "./support/fixtures";
import { find, randomText, run, UNKNOWN, type Recording } from "./support/recorder";

const INSTALL_AND_START =
  'umask 022 && p=$(mktemp /usr/local/sbin/lvs-dr.XXXXXX) && { cat > "$p" && bash -n "$p" && chmod 0700 "$p"' +
  ' && "$p" install || { s=$?; rm -f "$p"; exit $s; }; }';

type Make = (
  host: Host,
  described: ReturnType<typeof lab>,
  opts: pulumi.ComponentResourceOptions,
) => Promise<GuestRole>;

/** A role on a host that was made by anything but libvirt. */
async function role(make: Make, described = lab(), proxy?: Host["proxy"]): Promise<Recording> {
  return run(async () => {
    const { RandomPassword } = await import("@pulumi/random");
    const key = new RandomPassword("key", { length: 64, special: false });
    const host: Host = {
      name: "somewhere",
      address: "192.0.2.7",
      user: "admin",
      privateKey: key.result,
      hostKey: "ssh-ed25519 AAAAHOST",
      bootTimeout: 300,
      after: new RandomPassword("booted", { length: 1 }),
      generation: [key.id, "second"],
      ...(proxy && { proxy }),
    };
    await make(host, described, { dependsOn: [new RandomPassword("earlier", { length: 1 })] });
  });
}

function payload(scripts: string, settings: Record<string, string>): string {
  return [
    "#!/usr/bin/env bash",
    "# Written by the lab; its next change overwrites this file.",
    ...Object.entries(settings).map(([key, value]) => `readonly ${key}=${shellQuote(value)}`),
    readFileSync("scripts/guest/common.sh", "utf8"),
    readFileSync("scripts/guest/addresses.sh", "utf8"),
    ...scripts.split(" ").map((script) => readFileSync(`scripts/guest/${script}`, "utf8")),
  ].join("\n");
}

const CONNECTION = {
  host: "192.0.2.7",
  port: 22,
  user: "admin",
  privateKey: randomText("dev", "key"),
  hostKey: "ssh-ed25519 AAAAHOST",
  dialErrorLimit: 43,
  perDialTimeout: 10,
};

function command(type: string, name: string, stdin: unknown, connection: object = CONNECTION) {
  return {
    type: REMOTE,
    name,
    parent: `${type} ${name}`,
    inputs: {
      connection: { secret: connection },
      create: INSTALL_AND_START,
      update: INSTALL_AND_START,
      stdin,
      triggers: ["key-id", "second"],
      logging: "none",
      addPreviousOutputInEnv: false,
    },
    options: {
      dependsOn: [`${RANDOM} booted`, `${RANDOM} key`],
      replaceOnChanges: ["triggers[*]"],
      additionalSecretOutputs: ["connection"],
    },
  };
}

const maker =
  (nodeOf: (described: Lab) => LabNode | undefined): Make =>
  async (host, described, opts) => {
    const { Client, Director, RealServer, Router } = await import("../../../components/roles");
    const node = nodeOf(described);
    if (node === undefined) throw new Error("a lab has a real server");
    const Component = { client: Client, director: Director, realServer: RealServer, router: Router }[
      node.role
    ];
    const secret = node.role === "director" && hasPassword(described);
    return new Component(node.name, { host, settings: { ...guestSettings(described, node) }, secret }, opts);
  };
const makeClient = maker(({ clients: [client] }) => client);
const makeRouter = maker(({ routers }) => routers[0]);
const makeDirector = maker(({ directors }) => directors[0]);
const makeRealServer = maker(({ realServers }) => realServers[0]);

const ROUTER = {
  LVS_ROLE: "router",
  LVS_NODE: "router",
  LVS_VIPS: "10.0.0.100/32",
  LVS_SERVER_IF: "eth1",
  LVS_NEIGHBOURS: "",
  LVS_ADDRESSES: "eth0=172.18.7.200/16 eth1=192.168.7.200/24 eth1=10.0.0.200/8",
};
const RS1 = {
  LVS_ROLE: "realServer",
  LVS_NODE: "rs1",
  LVS_VIPS: "10.0.0.100/32",
  LVS_IF: "eth0",
  LVS_RIP: "192.168.7.10",
  LVS_PORTS: "80",
  LVS_ARP_STRATEGY: "sysctl",
  LVS_INDEX_PAGE: "<h1>rs1</h1>\n",
  LVS_TEST_PAGE: "test\n",
};
const DIRECTOR = {
  LVS_ROLE: "director",
  LVS_NODE: "director",
  LVS_VIPS: "10.0.0.100/32",
  LVS_CONFIG_HASH: lab().configHash,
  LVS_IF: "eth0",
  LVS_MODE: "ldirectord",
  LVS_LDIRECTORD_CF: renderLdirectord(ldirectordFor(lab())),
  LVS_LDIRECTORD_TLS: "",
  LVS_CHECKERS_CONF: "",
  LVS_JUDGED_SECONDS: "",
  LVS_IPVS_TIMEOUTS: "300 120 300",
  LVS_TABLE: renderGuestTable(lab(), { name: "director" }),
  LVS_MARKS: "",
  LVS_SORRY_PAGE: "sorry server\n",
  LVS_SORRY_PORTS: "80",
  LVS_DRAIN_SECONDS: "60",
  LVS_SETTLE_SECONDS: "37",
  LVS_RUN_LIMIT: "300",
  LVS_TABLE_PROGRAM: readFileSync("scripts/guest/ipvsTable.pl", "utf8"),
  LVS_DRY_RUN: readFileSync("scripts/host/ldirectord-dry-run.sh", "utf8"),
  LVS_DRY_RUN_MODULE: readFileSync("scripts/host/ldirectord-dry-run/DryRun.pm", "utf8") + perlServices(),
  LVS_LDIRECTORD_MODULE: readFileSync("scripts/guest/ldirectord/Ldirectord.pm", "utf8") + perlServices(),
  LVS_ALERTS: "",
};
const STATIC_DIRECTOR = {
  ...DIRECTOR,
  LVS_CONFIG_HASH: lab({ director: { mode: "static" } }).configHash,
  LVS_MODE: "static",
  LVS_LDIRECTORD_CF: "",
  LVS_TABLE: renderGuestTable(lab({ director: { mode: "static" } }), { name: "director" }),
};

const CASES: [string, string, string, Make, object, string, Record<string, string>][] = [
  [
    "Client",
    "client",
    "sends everything to the router",
    makeClient,
    {},
    "client.sh",
    { LVS_ROLE: "client", LVS_NODE: "client", LVS_VIPS: "10.0.0.100/32", LVS_GATEWAY: "172.18.7.200" },
  ],
  [
    "Router",
    "router",
    "has its addresses on both segments",
    makeRouter,
    {},
    "neighbours.sh router.sh",
    ROUTER,
  ],
  [
    "Router",
    "router",
    "knows the director's MAC with the static ARP strategy, and only then",
    makeRouter,
    { arpStrategy: "static", director: { mac: "52:54:00:aa:bb:cc" } },
    "neighbours.sh router.sh",
    { ...ROUTER, LVS_NEIGHBOURS: "10.0.0.100 52:54:00:aa:bb:cc" },
  ],
  [
    "RealServer",
    "rs1",
    "serves its name and is silent about the VIP",
    makeRealServer,
    {},
    "pages.sh files.sh workloads.sh guard.sh realServer.sh",
    RS1,
  ],
  [
    "RealServer",
    "rs1",
    "uses arptables with the static ARP strategy too",
    makeRealServer,
    { arpStrategy: "static" },
    "pages.sh files.sh workloads.sh guard.sh realServer.sh",
    { ...RS1, LVS_ARP_STRATEGY: "static" },
  ],
  [
    "Director",
    "director",
    "has ldirectord keep the table",
    makeDirector,
    {},
    "pages.sh files.sh directorFiles.sh alerts.sh declaredVips.sh keepalived.sh holders/fixed.sh planes/static.sh planes/ldirectord.sh planes/keepalived.sh director.sh",
    DIRECTOR,
  ],
  [
    "Director",
    "director",
    "fills the table once in static mode",
    makeDirector,
    { director: { mode: "static" } },
    "pages.sh files.sh directorFiles.sh alerts.sh declaredVips.sh keepalived.sh holders/fixed.sh planes/static.sh planes/ldirectord.sh planes/keepalived.sh director.sh",
    STATIC_DIRECTOR,
  ],
];

describe("a guest's role", () => {
  it.each(CASES)("%s %s %s", async (type, name, _does, make, config, script, settings) => {
    const recording = await role(make, lab({ ...config }));
    expect(resources(recording).filter((each) => each.type !== RANDOM)).toEqual([
      command(`lvsdr:index:${type}`, name, payload(script, settings)),
      component(`lvsdr:index:${type}`, name, { dependsOn: [`${RANDOM} earlier`] }),
    ]);
    expect(recording.componentOutputs[`lvsdr:index:${type} ${name}`]).toEqual({});
  });

  it("is reached through the libvirt host where that is another one", async () => {
    const proxy = { host: "host", user: "user", port: 2222 };
    const { inputs } = find(await role(makeClient, lab(), proxy), REMOTE, "client");
    expect(inputs.connection).toEqual({
      secret: { ...CONNECTION, proxy: { ...proxy, dialErrorLimit: 3, perDialTimeout: 15 } },
    });
  });

  it("veils a director's settings when a password is among them", async () => {
    const check = { service: "mysql", login: "u", passwd: "hunter2", database: "d", request: "SELECT 1" };
    const { inputs } = find(
      await role(
        makeDirector,
        lab({
          healthCheck: check,
          workloads: [{ name: "own" }],
          services: [{ name: "main", workload: "own" }],
        }),
      ),
      REMOTE,
      "director",
    );
    expect(inputs.stdin).toEqual({ secret: expect.stringContaining('passwd="hunter2"') });
  });
});

describe("observeHealth", () => {
  const SEEN = { ...HEALTH, configHash: lab().configHash };
  const login = { privateKey: "KEY", hosts: {} } satisfies Login;
  const access = { ...login, lab: lab() } satisfies Access;

  /** `known`: whether everything that access is made of exists. */
  async function observe(options: {
    preview?: boolean;
    known?: boolean;
    /** The last `up`'s. */
    last?: object;
    /** Guests whose boot is not known: they would start again. */
    restart?: readonly string[];
  }): Promise<Recording> {
    return run(
      async () => {
        const { output, secret } = await import("@pulumi/pulumi");
        const { observeHealth } = await import("../../../program/observation");
        const { RandomPassword } = await import("@pulumi/random");
        const seed = new RandomPassword("seed", { length: 64, special: false });
        const made = (options.known ? secret(login) : seed.result.apply(() => login)) as pulumi.Output<Login>;
        const hosts = labNodes(lab()).map(({ name }) => ({
          name,
          after: { stdout: options.restart?.includes(name) ? seed.result : output("") },
        }));
        return {
          health: observeHealth(lab(), made, hosts as unknown as Host[], options.known ? [] : [seed]),
        };
      },
      {
        preview: options.preview ?? false,
        call: ({ token }) =>
          token === READ_STACK_OUTPUTS
            ? { outputs: options.last && { health: options.last, nodes: { rs1: {}, director: {} } } }
            : { stdout: JSON.stringify(SEEN) },
      },
    );
  }

  const invocation = (settle: boolean) => ({
    token: "command:local:run",
    inputs: {
      command: "node --import tsx health/observeMain.ts",
      stdin: JSON.stringify({ access, settle }),
      logging: "none",
      addPreviousOutputInEnv: false,
    },
  });

  it("looks once all guests are configured, and is not a secret though the key is", async () => {
    const { invocations, outputs } = await observe({});
    expect(invocations).toEqual([invocation(true)]);
    expect(outputs).toEqual({ health: SEEN });
  });

  it("does not wait for things to settle in a preview", async () => {
    const { invocations, outputs } = await observe({ preview: true, known: true });
    expect(invocations).toEqual([expect.objectContaining({ token: READ_STACK_OUTPUTS }), invocation(false)]);
    expect(outputs).toEqual({ health: SEEN });
  });

  it("shows no difference in a preview where the last `up` has seen the same at another time", async () => {
    const last = { ...SEEN, observedAt: "2026-01-02T03:04:05.000Z" };
    expect((await observe({ preview: true, known: true, last })).outputs).toEqual({ health: last });
    expect((await observe({ known: true, last })).outputs).toEqual({ health: SEEN });
    const other = { ...last, status: "down" };
    expect((await observe({ preview: true, known: true, last: other })).outputs).toEqual({ health: SEEN });
  });

  it("is unknown in a preview of another configuration: the guests still have the old one", async () => {
    const last = { ...SEEN, configHash: "another" };
    expect((await observe({ preview: true, known: true, last })).outputs).toEqual({ health: UNKNOWN });
    expect((await observe({ known: true, last })).outputs).toEqual({ health: SEEN });
  });

  it("is unknown in a preview that would restart guests, which it names; a new one restarts not", async () => {
    const restart = ["rs1", "rs2", "director"];
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { outputs } = await observe({ preview: true, known: true, last: SEEN, restart });
    expect(outputs).toEqual({ health: UNKNOWN });
    const text = "would restart: director, rs1; the VIP does not answer while the director restarts";
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining(text)]);
    warn.mockRestore();
  });

  it("is unknown in a preview that would create the guests: nobody is asked", async () => {
    const { invocations, outputs, registrations } = await observe({ preview: true });
    expect(invocations.map(({ token }) => token)).toEqual([READ_STACK_OUTPUTS]);
    expect(outputs).toEqual({ health: UNKNOWN });
    expect(registrations.map(({ type }) => type)).not.toContain(LOCAL);
  });
});
