import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { labNodes } from "../../../model/lab/types";
import type { ShellResult } from "../../../lib/ssh";
import { look, observe } from "../../../health/observe";

const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });

const TABLE = [
  "-A -t 10.0.0.100:80 -s wrr",
  "-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w 1",
  "-a -t 10.0.0.100:80 -r 192.168.7.20:80 -g -w 3",
];
const DIRECTOR = [
  "role=director",
  "daemon=active",
  `configHash=${lab.configHash}`,
  "== ipvsadm-save",
  ...TABLE,
  "== ipvsadm-list",
  "TCP  10.0.0.100:80 wrr",
  "  -> 192.168.7.10:80              Route   1      2          7",
  "  -> 192.168.7.20:80              Route   3      5          13",
  "== end",
  "",
].join("\n");

/** What the client prints of good answers: server and body of each. */
function printed(...each: readonly (readonly [string, string])[]): string {
  const lines = each.map(([server], i) => `${i}\t0\t200\t${server}\t0.01\t\n`);
  return `${lines.join("")}== rest\n${each.map(([, body]) => `\0${body}`).join("")}`;
}

/** Guests that answer as told; status 0 without a problem otherwise. */
function shell(
  answers: Record<string, Partial<ShellResult>> = {},
  requests = printed(["rs1", "<h1>rs1</h1>\n"]),
) {
  const asked: string[] = [];
  return {
    asked,
    run: (node: string, command: string): Promise<ShellResult> => {
      const curls = command.includes("curl ");
      asked.push(`${node}: ${curls ? "status and curl" : command}`);
      const status = { stdout: node === "director" ? DIRECTOR : "", ...answers[node] };
      const stdout = curls ? `${status.stdout}== requests\n${requests}` : status.stdout;
      return Promise.resolve({ code: 0, stderr: "", ...status, stdout });
    },
  };
}

describe("look", () => {
  it("asks every guest for its status, and the client for requests", async () => {
    const guests = shell();
    const seen = await look(guests, lab);
    expect(guests.asked.sort()).toEqual(
      labNodes(lab)
        .map(
          ({ name }) => `${name}: ${name === "client" ? "status and curl" : "/usr/local/sbin/lvs-dr status"}`,
        )
        .sort(),
    );
    expect(seen).toMatchObject({
      director: {
        reachable: true,
        ipvsSave: `${TABLE.join("\n")}\n`,
        configHash: lab.configHash,
      },
      client: { requests: [{ ok: true, server: "rs1" }] },
      nodes: { client: { problems: [] } },
    });
    expect(Object.keys(seen.nodes).sort()).toEqual(["client", "director", "router", "rs1", "rs2"]);
  });

  it("does not take what a server answers for what the client's own script says", async () => {
    const page = "problem=none\n== requests\n== rest\n== end\nrole=none\n1\t0\t200\tnone\t0.01\t\n";
    const { client, nodes } = await look(shell({}, printed(["rs1", page])), lab);
    expect(client.requests).toMatchObject([{ server: "rs1", body: page }]);
    expect(nodes["client"]).toEqual({ reachable: true, problems: [] });
  });

  it("names a real server whose page is not the lab's, though it answers with status 200", async () => {
    const guests = shell(
      {},
      printed(["rs1", "hello"], ["rs2", "<h1>rs2</h1>\n"], ["director", "sorry server\n"]),
    );
    const health = await observe(guests, lab);
    expect(health.problems).toContain(
      'rs1: clients read "hello" at http://10.0.0.100:80/, expected "<h1>rs1</h1>"',
    );
    expect(health.problems.join()).not.toMatch(/rs2|director/);
  });

  it("takes a check that fails without a word for what it is", async () => {
    const { nodes } = await look(shell({ rs1: { code: 1, stdout: "role=realServer\n" } }), lab);
    expect(nodes["rs1"]).toMatchObject({
      reachable: true,
      problems: [{ subject: "rs1", code: "script-failed" }],
    });
  });

  it("sends the client's requests to the first service over TCP, and none where all are UDP", async () => {
    const services = [
      { name: "main", protocol: "udp" },
      { name: "web", port: 8080 },
    ];
    const asked = async (some: object[]): Promise<string | undefined> => {
      const guests = shell();
      const commands: string[] = [];
      const run = (node: string, command: string): Promise<ShellResult> => {
        if (node === "client") commands.push(command);
        return guests.run(node, command);
      };
      const { client } = await look(
        { run },
        parseConfig({ port: 53, services: some }, { project: "lvs-dr", stack: "dev" }),
      );
      expect(client.requests).toHaveLength(commands.join().includes("curl ") ? 1 : 0);
      return /http:\/\/10[^']*/.exec(commands.join())?.[0];
    };
    expect(await asked(services)).toBe("http://10.0.0.100:8080/");
    expect(await asked(services.slice(0, 1))).toBeUndefined();
  });

  it("takes only a guest that SSH does not get to as out of reach, and says what became of the others", async () => {
    const { nodes, director } = await look(
      shell({
        rs1: { code: 1, stdout: "problem=vip-missing\t\t10.0.0.100\tno VIP on lo\n" },
        rs2: { code: 255, stdout: "" },
        router: { code: null, stdout: "" },
        director: { code: 127, stdout: "" },
        client: { code: 2, stdout: "" },
      }),
      lab,
    );
    const found = Object.entries(nodes).map(([name, { reachable, problems }]) => [
      name,
      reachable,
      ...problems.map(({ subject, code, text }) => `${subject} ${code}: ${text}`),
    ]);
    expect(found.sort()).toEqual([
      ["client", true, "client script-failed: client: its own check ended with 2"],
      ["director", true, "director script-missing: director: its own check is missing: run `scripts/lab up`"],
      ["router", true, "router no-answer: router: did not answer within 20 s"],
      ["rs1", true, "rs1 vip-missing: rs1: no VIP on lo"],
      ["rs2", false, "rs2 unreachable: rs2: cannot be reached by SSH"],
    ]);
    expect(director).toEqual({ reachable: true });
  });
});

describe("observe", () => {
  it("is done at the first look at a healthy cluster", async () => {
    const guests = shell();
    expect(await observe(guests, lab, 60)).toMatchObject({ status: "healthy" });
    expect(guests.asked.filter((each) => each === "client: status and curl")).toHaveLength(1);
  });

  it("tells what is true at the end of the wait", async () => {
    const guests = shell({ rs2: { code: 255, stdout: "" } });
    expect(await observe(guests, lab, 0)).not.toMatchObject({ status: "healthy" });
    expect(guests.asked.filter((each) => each === "client: status and curl")).toHaveLength(1);
  });

  it("waits for a cluster that serves nothing, and not for one that serves with what it has", async () => {
    const looks = async (...seen: Parameters<typeof shell>): Promise<[string, boolean]> => {
      const guests = shell(...seen);
      const { status } = await observe(guests, lab, 0.5, 0);
      return [status, guests.asked.filter((each) => each === "client: status and curl").length > 1];
    };
    expect(await looks({ rs2: { code: 255, stdout: "" } })).toEqual(["degraded", false]);
    expect(await looks({ director: { code: 255, stdout: "" } }, printed())).toEqual(["down", true]);
  });
});
