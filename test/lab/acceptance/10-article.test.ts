/** The source article's tests 1 to 6 (docs/explanation/architecture.md has the topology). */
import { afterAll, expect, it } from "vitest";
import type { Health } from "../../../model/health";
import { parseIpvsSave } from "../../../model/director/ipvs/table";
import { applied, eventually, guest, health as status, inGuests, run } from "../support";

const URL = "http://10.0.0.100/";

/** Who answers the client: name of the server in each page, in order. */
async function answers(count: number): Promise<string[]> {
  const urls = Array.from({ length: count }, () => URL).join(" ");
  const text = await guest("client", `curl -s --max-time 5 -H 'Connection: close' ${urls}`);
  return text.trim().split("\n");
}

afterAll(async () => {
  await inGuests((shell) =>
    Promise.all(["rs1", "rs2"].map((node) => shell.run(node, "systemctl start nginx"))).then(() => undefined),
  );
});

it("1. the client pings both of the router's addresses, and the real servers ping the client", async () => {
  const {
    routers: [router],
  } = await applied();
  const far = router.nics[1]?.addresses.map((address) => address.split("/")[0]) ?? [];
  expect(far).toHaveLength(2);
  for (const address of far) {
    expect(await guest("client", `ping -c 2 -W 3 ${address}`)).toContain("2 received");
  }
  for (const server of ["rs1", "rs2"]) {
    expect(await guest(server, "ping -c 2 -W 3 172.29.7.70")).toContain("2 received");
  }
});

it("2. the director's table holds both servers, by Direct Routing, with their weights", async () => {
  const table = await guest("director", "ipvsadm -Sn");
  expect(parseIpvsSave(table)).toMatchObject([
    {
      vip: "10.0.0.100",
      port: 80,
      scheduler: "wrr",
      servers: [
        { address: "192.168.107.10", forward: "gate", weight: 1 },
        { address: "192.168.107.20", forward: "gate", weight: 3 },
      ],
    },
  ]);
  expect(await guest("director", "ipvsadm -Ln")).toMatch(/192\.168\.107\.10:80 +Route +1/);
});

it("3. requests are spread 1:3", async () => {
  const seen = await answers(40);
  const share = (name: string): number => seen.filter((page) => page === `<h1>${name}</h1>`).length;
  // wrr is exact over whole rounds of 4, wherever in a round the count began.
  expect(share("rs1") + share("rs2")).toBe(40);
  expect(Math.abs(share("rs1") - 10)).toBeLessThanOrEqual(1);
});

it("4. rs1's web server stops: only rs2 is left, and only rs2 answers", async () => {
  await guest("rs1", "systemctl stop nginx");
  await eventually(30, async () => {
    const table = parseIpvsSave(await guest("director", "ipvsadm -Sn"));
    expect(table[0]?.servers.map(({ address }) => address)).toEqual(["192.168.107.20"]);
  });
  expect(new Set(await answers(8))).toEqual(new Set(["<h1>rs2</h1>"]));
  const { code, stdout } = await run(["status", "--json"]);
  expect(code).toBe(3);
  const health = JSON.parse(stdout) as Health;
  expect(health.status).toBe("degraded");
  expect(health.services[0]?.realServers.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "rs1 down",
    "rs2 up",
  ]);
});

it("5. rs2's stops too: 127.0.0.1:80 replaces them, and the client reads the sorry page", async () => {
  await guest("rs2", "systemctl stop nginx");
  await eventually(30, async () => {
    const table = parseIpvsSave(await guest("director", "ipvsadm -Sn"));
    expect(table[0]?.servers.map(({ address }) => address)).toEqual(["127.0.0.1"]);
  });
  expect(new Set(await answers(4))).toEqual(new Set(["sorry server"]));
  const { code, stdout } = await run(["status", "--json"]);
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({ status: "sorry", services: [{ sorry: true }] });
});

it("6. both start again: both are back with their weights, and the sorry server is out", async () => {
  await inGuests((shell) =>
    Promise.all(["rs1", "rs2"].map((node) => shell.check(node, "systemctl start nginx"))),
  );
  await eventually(40, async () => {
    const health = await status();
    expect(health.problems).toEqual([]);
    expect(health.status).toBe("healthy");
    expect(health.services[0]?.realServers.map(({ weight }) => weight)).toEqual([1, 3]);
  });
  expect(new Set(await answers(8))).toEqual(new Set(["<h1>rs1</h1>", "<h1>rs2</h1>"]));
});
