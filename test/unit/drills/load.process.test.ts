import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { parseRequest, RequestLog } from "../../../drills/requests";
import { serverCertificate } from "../../../model/guest/certificates";
import { endpoint } from "../../../model/lab/address";

const PROGRAM = ["connection", "load"]
  .map((name) => readFileSync(join(__dirname, `../../../drills/guest/${name}.pl`), "utf8"))
  .join("");

let server: Server | undefined;
afterEach(() => new Promise<void>((done) => (server ? server.close(() => done()) : done())));

/** Runs the generator against a server that does something with each connection. */
async function load(
  answer: (socket: Socket, n: number) => void,
  {
    rate = 20,
    seconds = 1,
    timeout = 0.5,
    retries = 1,
    pages = [] as string[],
    address = "127.0.0.1",
    tls = undefined as { key: string; cert: string } | undefined,
    scheme = "http",
  } = {},
): Promise<RequestLog> {
  let n = 0;
  const open = new Set<Socket>();
  const served = (socket: Socket): void => {
    open.add(socket);
    socket.on("error", () => undefined);
    const number = n++;
    socket.once("data", () => answer(socket, number));
  };
  const own = tls === undefined ? createServer(served) : createTlsServer(tls, served);
  server = own;
  await new Promise<void>((done) => own.listen(0, address, done));
  const { port } = own.address() as AddressInfo;
  const url = `${scheme}://${endpoint(address, port)}/`;
  const args = [url, rate, seconds, timeout, retries, ...pages].map(String);
  const child = spawn("perl", ["-e", PROGRAM, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  await new Promise((done) => child.on("close", done));
  for (const socket of open) socket.destroy();
  expect(stdout).toMatch(/^end \d+$/m);
  return new RequestLog(
    stdout.split("\n").flatMap((line) => parseRequest(line, (t) => t, ["director"]) ?? []),
  );
}

const page = (name: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Real-Server: ${name}\r\nConnection: close\r\n\r\nhi\n`;

it("asks at an address of IPv6 too, with the brackets of a URL", async () => {
  const asked: string[] = [];
  const log = await load(
    (socket) => {
      asked.push("connected");
      socket.end(page("rs1"));
    },
    { address: "::1" },
  );
  expect(log.failed).toEqual([]);
  expect(log.answeredBy).toEqual({ rs1: asked.length });
});

it("logs who answered each request, at its rate", async () => {
  const log = await load((socket, n) => socket.end(page(n % 2 ? "rs1" : "rs2")));
  expect(log.failed).toEqual([]);
  expect(log.first.length).toBeGreaterThan(10);
  expect(log.first.length).toBeLessThanOrEqual(21);
  expect(Object.keys(log.answeredBy).sort()).toEqual(["rs1", "rs2"]);
});

it("says why a request failed, and retries it once at once", async () => {
  const bad: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end(),
    (socket) => socket.end("HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n"),
    (socket) => socket.end(page("rs1").replace("hi\n", "h")),
    () => undefined,
  ];
  const log = await load((socket, n) => {
    const fault = bad[n];
    if (fault) fault(socket);
    else socket.end(page("rs2"));
  });
  expect(Object.keys({ ...log.errors }).sort().length).toBeGreaterThan(0);
  const reasons = [...log.first, ...log.retries].flatMap(({ ok, outcome }) => (ok ? [] : [outcome]));
  // On a busy machine a good answer too may come late.
  expect([...new Set(reasons)].sort()).toEqual([
    "error:closed",
    "error:http500",
    "error:reset",
    "error:timeout",
    "error:truncated",
  ]);
  expect(log.retries.length).toBe(log.failed.length);
});

it("takes a server's answer that is not its page for a failure, whatever its status", async () => {
  const log = await load((socket, n) => socket.end(page(`rs${n % 3}`)), {
    retries: 0,
    pages: ["rs0", "hi\n", "rs1", "<h1>rs1</h1>\n"],
  });
  // rs2 has no page to compare with.
  expect(Object.keys(log.answeredBy).sort()).toEqual(["rs0", "rs2"]);
  expect(Object.keys(log.errors)).toEqual(["wrong-page"]);
});

it("keeps its pace while requests hang", async () => {
  const log = await load(() => undefined, { retries: 0 });
  expect(log.first.length).toBeGreaterThan(10);
  expect(log.errors).toEqual({ timeout: log.first.length });
});

it("counts what cannot connect", async () => {
  const log = await load(() => undefined, { seconds: 0.2, rate: 10, retries: 0, timeout: 0.2 });
  expect(log.failed.length).toBe(log.first.length);
});

describe("over TLS", () => {
  const { certificate: cert, key } = serverCertificate("secret", "lab", "rs1", [], []);
  const tls = { cert, key };
  // The first connection of a process takes a moment.
  const patient = { tls, scheme: "https", timeout: 3 };

  it("asks as it does without, and trusts any certificate", async () => {
    const log = await load((socket, n) => socket.end(page(n % 2 ? "rs1" : "rs2")), patient);
    expect(log.errors).toEqual({});
    expect(log.first.length).toBeGreaterThan(10);
    expect(Object.keys(log.answeredBy).sort()).toEqual(["rs1", "rs2"]);
  });

  it("says why a request failed", async () => {
    const log = await load(
      (socket, n) => {
        if (n % 2) socket.destroy();
        else socket.end(page("rs1").replace("hi\n", "h"));
      },
      { ...patient, retries: 0 },
    );
    expect(log.answeredBy).toEqual({});
    expect(Object.keys(log.errors).sort()).toEqual(["closed", "truncated"]);
  });

  it("a server that does not speak it, or says nothing, fails the handshake", async () => {
    const log = await load(
      (socket, n) => {
        if (n % 2) socket.end(page("rs1"));
      },
      { scheme: "https", retries: 0 },
    );
    expect(Object.keys(log.errors).sort()).toEqual(["timeout", "tls"]);
  });
});
