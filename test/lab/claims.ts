/** What each example is there to show, beside being healthy, verified and drilled. Tried when it is built by its name. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { shellQuote } from "../../lib/text";
import { claimants } from "./arpWatch";
import { underLoad } from "./load";
import { drilled, eventually, guest, health, inGuests, lab, reboot, verified } from "./support";

/** A built example. */
interface Built {
  readonly stack: string;
  /** Its file. */
  readonly file: string;
  /** A directory for this test's own files. */
  readonly directory: string;
}

export type Claim = readonly [title: string, show: (built: Built) => Promise<void>];

const CURL = "curl -sS --max-time 10";
const PAGE = /^<h1>rs[12]<\/h1>/;

/** Builds the example with other values of some keys. */
async function changed({ stack, file, directory }: Built, change: Record<string, unknown>): Promise<void> {
  const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  for (const [key, value] of Object.entries(change)) config[`lvs-dr:${key}`] = value;
  const other = join(directory, "other.yaml");
  writeFileSync(other, stringify({ config }));
  const { stdout } = await lab(["up", "--config-file", other], stack);
  expect(JSON.parse(stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
}

const asIs = ({ stack, file }: Built): Promise<unknown> => lab(["up", "--config-file", file], stack);

/** A command on the client. */
const client = (
  { stack }: Built,
  command: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  inGuests((shell, { clients }) => shell.run(clients[0].name, command, { timeout: 60 }), stack);

const trusts =
  (url: string) =>
  async (built: Built): Promise<void> => {
    const { code, stdout, stderr } = await client(built, `${CURL} ${url}`);
    expect({ code, stdout, stderr }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(PAGE) as string,
    });
  };

/** Ports of a group come and go, and a group becomes one port and a group again, while its port 80 is asked. */
async function portsComeAndGo(built: Built): Promise<void> {
  const { config } = parse(readFileSync(built.file, "utf8")) as { config: Record<string, object[]> };
  const [main, ...others] = config["lvs-dr:services"] ?? [];
  const single = { ...main, ports: undefined };
  const having = (change: object) => (): Promise<void> =>
    changed(built, { services: [{ ...single, ...change }, ...others] });
  for (const [what, work] of [
    ["a port more in a group", having({ ports: [80, 443, 8080] })],
    ["a port less in a group", having({ ports: [80, 443] })],
    ["a group becomes one port", having({ port: 80 })],
    ["one port becomes a group", having({ ports: [80, 443] })],
  ] as const)
    await underLoad(what, work, "main", built.stack);
}

/** A port that nothing of the lab has a word about. */
async function anyPort(built: Built): Promise<void> {
  const { stack } = built;
  const listen =
    "systemd-run -q --unit=any-port perl -MIO::Socket::INET -e " +
    shellQuote(
      "my $all = IO::Socket::INET->new(LocalPort => 12345, Listen => 9, ReuseAddr => 1) or die; while (my $one = $all->accept) { print $one `hostname`; close $one }",
    );
  for (const server of ["rs1", "rs2"]) await guest(server, listen, stack);
  const ask = (vip: string): string => `bash -c 'exec 3<>/dev/tcp/${vip}/12345 && timeout 5 cat <&3'`;
  await eventually(20, async () =>
    expect(await client(built, ask("10.0.0.101"))).toMatchObject({
      stdout: expect.stringMatching(/^rs[12]$/m) as string,
    }),
  );
  const other = await client(built, ask("10.0.0.100"));
  expect(other).toMatchObject({ code: 1, stdout: "" });
  expect(other.stderr).toContain("Connection refused");
  for (const server of ["rs1", "rs2"]) await guest(server, "systemctl stop any-port", stack);
}

/** A boot of the director: nothing but marked packets may meet the VIP, so the marks are there first. */
async function marksAtBoot(built: Built): Promise<void> {
  await reboot(["director"], built.stack);
  await trusts("https://10.0.0.100/")(built);
}

/** Strategies other than the default. */
const strategies: readonly Claim[] = (["arptables", "static"] as const).map((arpStrategy) => [
  `keeps real servers quiet by arpStrategy ${arpStrategy} too`,
  async (built) => {
    await changed(built, { arpStrategy });
    await verified(built.stack, "arp", "path", "reach");
  },
]);

async function onlyTheDirectorAdvertises({ stack }: Built): Promise<void> {
  const heard = await claimants(() => reboot(["rs1"], stack), "main-v6", stack);
  console.log(`over a reboot of rs1 the VIP of IPv6 was claimed by ${heard.join(", ")}`);
  expect(heard).toEqual([expect.stringMatching(/^director /)]);
}

async function ownCertificate(built: Built): Promise<void> {
  const at = (name: string): string => join(built.directory, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  const elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...elliptic,
    "-days",
    "9",
    "-subj",
    "/CN=an authority",
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
  );
  openssl(
    "req",
    ...elliptic,
    "-subj",
    "/CN=web",
    "-addext",
    "subjectAltName=IP:10.0.0.100",
    "-keyout",
    at("key.pem"),
    "-out",
    at("request.pem"),
  );
  openssl(
    ..."x509 -req -days 9 -copy_extensions copy".split(" "),
    ...["-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-in", at("request.pem"), "-out", at("cert.pem")],
  );
  const ca = readFileSync(at("ca.pem"), "utf8");
  await changed(built, {
    services: [{ name: "https", port: 443, healthCheck: { ca } }],
    workloads: [{ name: "web", certificate: at("cert.pem"), key: at("key.pem") }],
  });
  const url = "https://10.0.0.100/";
  expect(await client(built, `${CURL} ${url}`)).toMatchObject({ code: 60, stdout: "" });
  const asked = await client(
    built,
    `f=$(mktemp); printf %s ${shellQuote(ca)} >$f; ${CURL} --cacert $f ${url}`,
  );
  expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(PAGE) as string });
  await asIs(built);
}

/** A connection that nothing came over for as long as the table remembers it. */
async function idleConnections(built: Built): Promise<void> {
  await changed(built, { ipvsTimeouts: { tcp: 20 } });
  expect(await guest("director", "ipvsadm -L --timeout", built.stack)).toMatch(/: 20 /);
  // The web server would wait for a minute.
  const idle = (seconds: number): string =>
    `exec 3<>/dev/tcp/10.0.0.100/80; sleep ${seconds}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3`;
  const asked = (seconds: number): ReturnType<typeof client> =>
    client(built, `bash -c ${shellQuote(idle(seconds))}`);
  expect(await asked(5)).toMatchObject({ stdout: expect.stringMatching(/rs[12]/) as string });
  const late = await asked(30);
  expect(late.stdout).toBe("");
  expect(late.stderr).toContain("reset");
  await asIs(built);
}

/** A workload whose script fails is named, and what was there before serves on. */
async function failingWorkload(built: Built): Promise<void> {
  const script = join(built.directory, "fails.sh");
  writeFileSync(script, "#!/bin/sh\n[ $1 != start ] || { echo no disc; exit 7; }\n", { mode: 0o755 });
  const failed = changed(built, {
    services: [{ name: "disc", port: 9000, workload: "disc" }],
    workloads: [{ name: "disc", script }],
  });
  await expect(failed).rejects.toThrow(/disc.*no disc/s);
  const { services } = await health(built.stack);
  expect(services[0]?.realServers.map(({ state }) => state)).toEqual(["up", "up"]);
  expect(await client(built, `${CURL} http://10.0.0.100/`)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(PAGE) as string,
  });
  await asIs(built);
  expect((await health(built.stack)).problems).toEqual([]);
}

/** Drills by the service's VIP of IPv6, beside the article's own. */
async function drillsByIpv6({ stack }: Built): Promise<void> {
  const names = ["drain", "arp-leak", "source-port-reuse", "path-mtu", "real-server-power-off"];
  await drilled(stack, "--service", "main-v6", ...names);
}

const CLAIMS: Readonly<Record<string, readonly Claim[]>> = {
  article: [
    ["forgets an idle connection when the configured time is over", idleConnections],
    ["names a workload that fails, and serves on", failingWorkload],
  ],
  https: [
    ["serves its own authority's certificate, which the client trusts", trusts("https://10.0.0.100/")],
    ["serves a certificate of one's own, which the checks trust by its authority", ownCertificate],
  ],
  marks: [
    ["serves its own authority's certificate, which the client trusts", trusts("https://10.0.0.100/")],
    ["serves every port of the second VIP, and no other of the first", anyPort],
    ["loses no request when ports of a group come and go", portsComeAndGo],
    ["marks packets after a boot", marksAtBoot],
  ],
  ipv6: [
    [
      "has only the director advertise the VIP of IPv6, also while a real server boots",
      onlyTheDirectorAdvertises,
    ],
    ["passes drills by IPv6", drillsByIpv6],
    ...strategies,
  ],
  flat: strategies,
  segment: strategies,
  vips: strategies,
};

export const claimsOf = (name: string): readonly Claim[] => CLAIMS[name] ?? [];

/** Tries a claim. */
export async function shown(claim: Claim, stack: string, file: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-claims-"));
  try {
    await claim[1]({ stack, file, directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
