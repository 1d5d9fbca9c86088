import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { exec } from "../../../lib/process";

let server: Server | undefined;
afterEach(() => server?.close());

it.each(["127.0.0.1", "::1"])("connections stay open to %s", async (address) => {
  const asked = new Set<string | undefined>();
  server = createServer(({ headers }, response) => {
    asked.add(headers.host);
    response.end();
  });
  await new Promise<void>((done) => server?.listen(0, address, done));
  const { port } = server.address() as AddressInfo;
  const { stdout } = await exec("perl", ["drills/guest/flows.pl", address, String(port), "2", "0.1", "1"]);
  expect(stdout).toMatch(/^\d+\.\d+ open 2$/m);
  expect(stdout).toMatch(/^\d+\.\d+ alive 2$/m);
  expect(stdout).not.toContain("lost");
  expect([...asked]).toEqual([address === "::1" ? "[::1]" : address]);
});
