/** A stack on two hosts whose bridges the site has joined itself. Run by name: `scripts/lab test hosts`. */
import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { vxlanEnd } from "./hosts/hosts";
import { devices, domains, far, listed, named, nothingOnIt, onBothHosts, own, STACK } from "./hosts/spread";
import { changes, configure, ENGINE, lab, run } from "./support";

const CLIENT = "site-client";
const SERVER = "site-server";
const here = (command: string): string =>
  execFileSync("bash", ["-euc", command], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** A bridge, and the VXLAN by which the site has joined it to the other host's. */
const bridge = (name: string, id: number, local: string, remote: string, address: string): string =>
  `ip link add ${name} mtu 1450 type bridge
  ip addr add ${address} dev ${name}
  ip link set ${name} up
  ${vxlanEnd(`vx${id}`, id, local, remote)}
  ip link set vx${id} master ${name}`;

/** Both bridges of a host that is the one with that number. */
const site = (local: string, remote: string, host: number): string =>
  [
    bridge(CLIENT, 81, local, remote, `172.25.0.${host}/16`),
    bridge(SERVER, 82, local, remote, `192.168.125.${host}/24`),
  ].join("\n");
const without = [CLIENT, SERVER, "vx81", "vx82"].map((name) => `ip link delete ${name} || true`).join("\n");

/** What there is of bridges and their ports. */
const LINKS = "ip -o link show | grep -E ' (site-|vx8)' | sed -E 's/^[0-9]+: //; s/ state .*//'";

describe.skipIf(!named)(`a stack on bridges of the site (${ENGINE})`, () => {
  let before: string[];
  const links = async (): Promise<string[]> => [here(LINKS), await far.run(LINKS)];

  onBothHosts(async () => {
    const { address, firstAddress } = far.facts;
    here(`${without}\n${site(firstAddress, address, 1)}`);
    await far.run(site(address, firstAddress, 2));
    before = await links();
    const { other } = listed();
    const bridges = { client: CLIENT, server: SERVER };
    const at = (host: number) => ({
      clientAddress: `172.25.0.${host}`,
      serverAddress: `192.168.125.${host}`,
    });
    configure(
      {
        ...own(),
        clientNetwork: { cidr: "172.25.0.0/16", mtu: 1450 },
        serverNetwork: { cidr: "192.168.125.0/24", mtu: 1450 },
        directors: [{}],
        hosts: [
          { bridges, ...at(1) },
          { name: other.name, libvirtUri: other.libvirtUri, hostKey: other.hostKey, bridges, ...at(2) },
        ],
      },
      STACK,
    );
  });

  afterAll(() => void here(without));

  it("comes up healthy, and a second `up` changes nothing", { timeout: 1_800_000 }, async () => {
    const up = await lab(["up"], STACK);
    console.log(`up on bridges of the site: ${up.seconds.toFixed(0)} s`);
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    expect(await domains()).toEqual({ host1: ["client", "director", "router", "rs1", "rs3"], far: ["rs2"] });
    expect(devices()).toEqual([]);
    expect(changes(await lab(["up"], STACK))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("passes every check", { timeout: 600_000 }, async () => {
    await lab(["verify"], STACK);
  });

  it("leaves the bridges as they were", { timeout: 300_000 }, async () => {
    await lab(["down"], STACK);
    expect(await links()).toEqual(before);
    await far.run(without);
    await nothingOnIt();
    expect((await run(["status"], STACK)).code).not.toBe(0);
  });
});
