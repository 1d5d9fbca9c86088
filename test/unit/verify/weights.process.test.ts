import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { countCommand, judgeCount, parseCount, type Count } from "../../../verify/checks/weights";
import { LAB } from "../report/fixtures";

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** What the client counts of a service whose n-th request gets `status(n)`; and how many requests came. */
async function count(
  status: (n: number) => number,
  requests?: number,
): Promise<{ counted: Count; came: number }> {
  let came = 0;
  server = createServer((_, response) => {
    const n = ++came;
    response.writeHead(status(n), { "X-Real-Server": n % 4 === 0 ? "rs1" : "rs2" }).end("x\n");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const stdout = await new Promise<string>((done) => {
    execFile("bash", ["-c", countCommand(url, requests)], (_, text) => done(text));
  });
  return { counted: parseCount(stdout), came };
}

it("all 240 requests of a sound service are made and counted", async () => {
  const { counted, came } = await count(() => 200);
  expect(came).toBe(240);
  expect(counted).toEqual({ sent: 240, failed: 0, answers: { rs1: 60, rs2: 180 } });
});

it("fewer are made where fewer are wanted", async () => {
  expect((await count(() => 200, 20)).counted.sent).toBe(20);
});

it("where the first round gets no answer, no further request is made, and the finding says so", async () => {
  const { counted, came } = await count(() => 503);
  expect(came).toBe(16);
  expect(counted).toEqual({ sent: 16, failed: 16, answers: {} });
  const [answers] = judgeCount(LAB, LAB.services[0], counted);
  expect(answers?.status).toBe("fail");
  expect(answers?.evidence.seen).toBe("nobody of 16; 16 failed; the other 224 were not sent");
});

it("one failure in a later round is counted with that round, and is the last", async () => {
  const { counted, came } = await count((n) => (n === 20 ? 500 : 200));
  expect(came).toBe(16 + 32);
  expect(counted).toMatchObject({ sent: 48, failed: 1 });
});

it("nothing that was counted is a failure, not a pass", () => {
  const findings = judgeCount(LAB, LAB.services[0], parseCount(""));
  expect(findings.map(({ status }) => status)).toEqual(["fail", "fail"]);
});
