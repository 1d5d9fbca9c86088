import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { exec } from "../../../lib/process";
import type { Shell } from "../../../lib/ssh";
import { Capture, parseCapture } from "../../../verify/checks/capture";

const ARP =
  "1.0 52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.168.7.200 tell 192.168.7.10, length 28";
const TCP =
  "1.0 52:54:00:00:00:02 > 52:54:00:00:00:03, ethertype IPv4 (0x0800), length 74: 172.18.7.70.61000 > 10.0.0.100.80: Flags [S], seq 1, length 0";

it("a capture waits for connections, and not for the ARP of many real servers", async () => {
  const bin = mkdtempSync(join(tmpdir(), "lvs-dr-test-"));
  const tcpdump = join(bin, "tcpdump");
  writeFileSync(
    tcpdump,
    `#!/bin/bash
echo listening on eth0 >&2
for ((i = 0; i < 40; i++)); do echo '${ARP}'; done
sleep 0.5
for ((i = 0; i < 8; i++)); do echo '${TCP}'; sleep 0.02; done
sleep 20
`,
  );
  chmodSync(tcpdump, 0o755);
  const shell: Shell = {
    run: async (_node, _command, { stdin = "" } = {}) =>
      exec("bash", ["-s"], { stdin, env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` } }),
  };
  const capture = new Capture(shell, "director", "eth0", "tcp or arp");
  await capture.start();
  const { frames, arp } = parseCapture(await capture.stop(4));
  expect([frames.length, arp.length]).toEqual([8, 40]);
});
