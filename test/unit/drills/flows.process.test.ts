import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { perl } from "../../../drills/stream";
import { exec } from "../../../lib/process";
import { serverCertificate } from "../../../model/guest/certificates";
import { endpoint } from "../../../model/lab/address";

let server: Server | TlsServer | undefined;
afterEach(() => server?.close());

it.each(["127.0.0.1", "::1"])("connections stay open to %s", async (address) => {
  const asked = new Set<string | undefined>();
  server = createServer(({ headers }, response) => {
    asked.add(headers.host);
    response.end();
  });
  await new Promise<void>((done) => server?.listen(0, address, done));
  const { port } = server.address() as AddressInfo;
  const url = `http://${endpoint(address, port)}/`;
  const { stdout } = await exec("bash", ["-c", perl("flows", url, 2, 0.1, 1)]);
  expect(stdout).toMatch(/^\d+\.\d+ open 2$/m);
  expect(stdout).toMatch(/^\d+\.\d+ alive 2$/m);
  expect(stdout).not.toContain("lost");
  expect([...asked]).toEqual([address === "::1" ? "[::1]" : address]);
});

it("connections stay open over TLS, and one that the server ends is told", async () => {
  const { certificate: cert, key } = serverCertificate("secret", "lab", "rs1", [], []);
  let asked = 0;
  const own = createTlsServer({ cert, key }, (_, response) => {
    if (++asked > 4) response.setHeader("Connection", "close");
    response.end();
  });
  server = own;
  await new Promise<void>((done) => own.listen(0, "127.0.0.1", done));
  const url = `https://${endpoint("127.0.0.1", (own.address() as AddressInfo).port)}/`;
  const { stdout } = await exec("bash", ["-c", `sleep 2 | ${perl("flows", url, 2, 0.1, 3)}`]);
  expect(stdout).toMatch(/^\d+\.\d+ open 2$/m);
  expect(stdout.match(/ lost closed$/gm)).toHaveLength(2);
});

it.each(["http", "https"])(
  "one connection to the server that was named answers until its end: %s",
  async (scheme) => {
    const { certificate: cert, key } = serverCertificate("secret", "lab", "rs1", [], []);
    let connections = 0;
    const names = new WeakMap<object, string>();
    const answer: RequestListener = ({ socket }, response) => {
      if (!names.has(socket)) names.set(socket, `rs${++connections}`);
      response.setHeader("X-Real-Server", names.get(socket) ?? "");
      response.end();
    };
    const own = scheme === "https" ? createTlsServer({ cert, key }, answer) : createServer(answer);
    server = own;
    await new Promise<void>((done) => own.listen(0, "127.0.0.1", done));
    const url = `${scheme}://${endpoint("127.0.0.1", (own.address() as AddressInfo).port)}/`;
    const { stdout } = await exec("bash", ["-c", `sleep 1.5 | ${perl("flow", url, "rs3", 0.1, 5)}`]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[1]);
    expect(connections).toBe(3);
    expect(lines[0]).toBe("pinned");
    expect(new Set(lines.slice(1))).toEqual(new Set(["answer"]));
  },
);
