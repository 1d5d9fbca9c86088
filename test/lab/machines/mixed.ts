/** Machines that exist beside guests: as two directors, as one of two beside a guest, and as router and client. */
import { describe, expect, it } from "vitest";
import { changes, configure, drilled, ENGINE, lab, run } from "../support";
import { BRIDGE, CLIENT_BRIDGE, type Machines } from "./machines";

const PAIR = "mxpair";
const EDGE = "mxedge";
/** What may be left of these tests. */
export const STACKS = [PAIR, EDGE];

async function healthy(stack: string): Promise<number> {
  const up = await lab(["up"], stack);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  return up.seconds;
}

/** @returns names of the checks that were skipped */
async function verified(stack: string): Promise<string[]> {
  const { code, stdout } = await run(["verify", "--json"], stack);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] };
  expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
  expect(code).toBe(0);
  return checks.filter(({ status }) => status === "skip").map(({ name }) => name);
}

async function ended(stack: string): Promise<void> {
  const down = await lab(["down"], stack);
  expect(down.stderr).toContain("audit: nothing is left");
  console.log(`down of machines and guests: ${down.seconds.toFixed(0)} s`);
}

export function besideGuests(machines: Machines, asTheyWere: () => Promise<void>): void {
  /** A machine at its address, by its name among the machines: `rs2` is of Debian 13. */
  const machine = (name: string, login = {}) => ({
    address: machines.specs.find((each) => each.name === name)?.address,
    ssh: { ...login, ...machines.login(name) },
  });
  const viaSudo = { user: "admin" };

  describe("as directors, beside guests on their bridge", () => {
    const pair = (change: Record<string, unknown>): void =>
      configure(
        {
          clientNetwork: { cidr: "172.19.40.0/24" },
          serverNetwork: { cidr: "192.168.167.0/24", bridge: BRIDGE },
          vipCidr: "192.168.167.0/24",
          ...change,
        },
        PAIR,
      );

    it(`are a pair (${ENGINE})`, { timeout: 1_200_000 }, async () => {
      pair({
        directors: [
          { name: "director1", ...machine("rs2") },
          { name: "director2", ...machine("director") },
        ],
        realServers: [
          { name: "rs1", address: "192.168.167.11" },
          { name: "rs2", weight: 3, ...machine("rs1", viaSudo) },
        ],
      });
      console.log(`up of three machines and three guests: ${(await healthy(PAIR)).toFixed(0)} s`);
      const again = await lab(["up"], PAIR);
      expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
      const skipped = await verified(PAIR);
      // The directors have no nft, nor curl.
      expect(skipped).toEqual(expect.arrayContaining(["guests.director1.route", "diagnosis.ways"]));
      expect(skipped).not.toContain("path.requests");
    });

    it("pass the pair's drills but for those that need their power", { timeout: 1_200_000 }, async () => {
      const said = await drilled(
        PAIR,
        ...["director-stops", "keepalived-killed", "failover"],
        ...["director-power-off", "standby-power-off", "director-partition", "vrrp-cut"],
      );
      for (const name of ["director-power-off", "standby-power-off", "director-partition"])
        // Of the one that holds the VIP then.
        expect(said).toMatch(
          new RegExp(`skip ${name}: it is for guests: .* director[12], which is a machine`),
        );
      expect(said).toMatch(/skip vrrp-cut: there is no nft on director[12]/);
    });

    it("are a pair with a guest, and give back what is a guest's now", { timeout: 1_200_000 }, async () => {
      pair({
        services: [{ name: "https", port: 443 }],
        arpStrategy: "arptables",
        directors: [
          { name: "director1", ...machine("rs2") },
          { name: "director2", address: "192.168.167.29" },
        ],
        realServers: [
          { name: "rs1", address: "192.168.167.11" },
          { name: "rs2", weight: 3, ...machine("rs1", viaSudo) },
        ],
      });
      await healthy(PAIR);
      expect(await machines.run("director", "ls /var/lib/lvs-dr 2>&1 || true")).toContain("No such file");
      await verified(PAIR);
      await drilled(PAIR, "director-stops", "keepalived-killed", "failover");
    });

    it("are as they were after `down`", { timeout: 900_000 }, async () => {
      await ended(PAIR);
      await asTheyWere();
    });
  });

  describe("as router and client, beside guests", () => {
    // Their owner's network: addresses on both segments, and the way to the VIP.
    const NETWORK: readonly (readonly [name: string, nic: 0 | 1, address: string])[] = [
      ["rs2", 1, "172.19.41.200/24"],
      ["rs2", 0, "192.168.167.200/24"],
      ["rs2", 0, "192.168.168.200/24"],
      ["rs1", 1, "172.19.41.10/24"],
      ["rs2", 1, "fd00:19:41::200/64"],
      ["rs2", 0, "fd00:167::200/64"],
      ["rs2", 0, "fd00:168::200/64"],
      ["rs1", 1, "fd00:19:41::10/64"],
    ];
    const addressed = async (verb: "add" | "del"): Promise<void> => {
      for (const [name, nic, address] of NETWORK)
        await machines.run(
          name,
          `nics=(/sys/class/net/e*); nic=\${nics[${nic}]##*/}; ip link set $nic up; ip addr ${verb} ${address} dev $nic`,
        );
      const unused = "nics=(/sys/class/net/e*); ip link set ${nics[1]##*/} down";
      if (verb === "add")
        await machines.run(
          "rs1",
          "ip route add 192.168.168.0/24 via 172.19.41.200; ip route add fd00:168::/64 via fd00:19:41::200",
        );
      else for (const name of ["rs1", "rs2"]) await machines.run(name, unused);
    };

    it(`serve, and pass every check (${ENGINE})`, { timeout: 1_200_000 }, async () => {
      await addressed("add");
      configure(
        {
          clientNetwork: { cidr: "172.19.41.0/24", cidr6: "fd00:19:41::/64", bridge: CLIENT_BRIDGE },
          serverNetwork: { cidr: "192.168.167.0/24", cidr6: "fd00:167::/64", bridge: BRIDGE },
          vipCidr: "192.168.168.0/24",
          vip6Cidr: "fd00:168::/64",
          client: { ...machine("rs1", viaSudo), address: "172.19.41.10" },
          router: { ssh: { ...machines.login("rs2"), host: "192.168.167.20" } },
          // The default is a machine's.
          director: { address: "192.168.167.31" },
          realServers: [{ address: "192.168.167.11" }, { address: "192.168.167.12", weight: 3 }],
        },
        EDGE,
      );
      console.log(`up of two machines and three guests: ${(await healthy(EDGE)).toFixed(0)} s`);
      expect(await verified(EDGE)).not.toContain("path.requests");
    });

    it("are out and back, and name who answers ARP", { timeout: 900_000 }, async () => {
      await drilled(EDGE, "web-server-stops", "arp-leak");
    });

    it("are as they were after `down`", { timeout: 900_000 }, async () => {
      await ended(EDGE);
      await addressed("del");
      await asTheyWere();
    });
  });
}
