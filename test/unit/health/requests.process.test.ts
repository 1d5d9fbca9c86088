import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  askScript,
  NOT_ASKED,
  PAGE_LENGTH,
  parseAnswers,
  PORTS_EACH,
  type Answer,
} from "../../../health/requests";

let server: Server;
let directory: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let url: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-requests-"));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

async function ask(
  paths: readonly string[],
  seconds = 20,
  also = "",
): Promise<{ answers: Answer[]; rest: string }> {
  const script = askScript(
    paths.map((path) => ({ url: `${url}${path}` })),
    seconds,
    also,
  );
  const stdout = await new Promise<string>((done) => {
    execFile("bash", ["-c", script], { env: { ...process.env, TMPDIR: directory } }, (_, text) => done(text));
  });
  expect(readdirSync(directory)).toEqual([]);
  return parseAnswers(stdout, paths.length);
}

it("each answer keeps its server and its body, whatever the body looks like", async () => {
  const bodies = ["<h1>rs1</h1>\n", "0\t0\t200\trs9\t0.1\t\n== rest\nx", "", "y".repeat(2 * PAGE_LENGTH)];
  answer = ({ url: path = "" }, response) =>
    response
      .writeHead(path === "/2" ? 503 : 200, { "X-Real-Server": `rs${path.slice(1)}` })
      .end(bodies[Number(path.slice(1))]);
  const { answers, rest } = await ask(["/0", "/1", "/2", "/3"], 20, "echo also");
  expect(rest).toBe("also\n");
  expect(answers.map(({ ok, status, server: name, body }) => ({ ok, status, name, body }))).toEqual([
    { ok: true, status: 200, name: "rs0", body: bodies[0] },
    { ok: true, status: 200, name: "rs1", body: bodies[1] },
    { ok: false, status: 503, name: "rs2", body: "" },
    { ok: true, status: 200, name: "rs3", body: "y".repeat(PAGE_LENGTH) },
  ]);
});

it("requests that hang are under way at the same time, and take one time limit together", async () => {
  let open = 0;
  answer = () => open++;
  const { answers } = await ask(
    Array.from({ length: 8 }, () => "/"),
    1,
  );
  expect(open).toBe(8);
  expect(answers.map(({ ok, status }) => ({ ok, status }))).toEqual(
    answers.map(() => ({ ok: false, status: 0 })),
  );
  for (const { detail } of answers) expect(detail).toMatch(/timed out/i);
});

it("half an answer is not one, and neither is a refusal or what is not curl's", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "Content-Length": "10" }).write("half");
    setImmediate(() => response.destroy());
  };
  expect((await ask(["/"])).answers[0]).toMatchObject({ ok: false, status: 200 });
  server.close();
  expect((await ask(["/"])).answers[0]).toMatchObject({ ok: false, status: 0 });
  expect(parseAnswers("bash: curl: command not found\n", 2).answers).toEqual([NOT_ASKED, NOT_ASKED]);
  expect(parseAnswers("0\t0\t20", 1).answers).toEqual([NOT_ASKED]);
});

it("where connections are asked for, each is one that somebody takes, from its own port, and is closed at once", async () => {
  const peers: (number | undefined)[] = [];
  const silent = createTcpServer((socket) => {
    peers.push(socket.remotePort);
    socket.resume();
  });
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const closed = createTcpServer();
  await new Promise<void>((done) => closed.listen(0, "127.0.0.1", done));
  const [at, gone] = [silent, closed].map(
    (each) => `tcp://127.0.0.1:${(each.address() as AddressInfo).port}/`,
  );
  await new Promise((done) => closed.close(done));
  const port = 61_000 + Math.floor(Math.random() * 3000);
  const asked = [{ url: at ?? "", port }, { url: at ?? "" }, { url: gone ?? "" }];
  const stdout = await new Promise<string>((done) => {
    const env = { ...process.env, TMPDIR: directory };
    execFile("bash", ["-c", askScript(asked, 10, "echo also")], { env }, (_, text) => done(text));
  });
  await new Promise((done) => silent.close(done));
  const { answers, rest } = parseAnswers(stdout, 3);
  expect(rest).toBe("also\n");
  expect(answers.map(({ ok }) => ok)).toEqual([true, true, false]);
  expect(answers.map(({ detail }) => detail.replace(/\d\.\d\d/, "N"))).toEqual([
    "connected in N s",
    "connected in N s",
    "Connection refused",
  ]);
  expect(peers).toHaveLength(2);
  expect(peers.some((peer) => peer !== undefined && peer >= port && peer < port + PORTS_EACH)).toBe(true);
});
