/** A connection that is lost while a payload is sent: what has arrived of it is not started, and the former payload stays. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readScript } from "../../../../lib/scripts";
import { parseConfig } from "../../../../model/config/config";
import { guestPayload } from "../../../../model/guest/payload";
import { INSTALL_AND_START, PAYLOAD } from "../../../../model/guest/script";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-cut-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

it("leaves the former payload in its place, wherever it is cut", () => {
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  const lab = parseConfig({ director: { ssh: { hostKey } } }, { project: "lvs-dr", stack: "cut" });
  const payload = guestPayload(lab, lab.directors[0], readScript);
  const installed = join(directory, "lvs-dr");
  writeFileSync(installed, "former");
  const command = INSTALL_AND_START.replaceAll(PAYLOAD, installed);
  // Its last line is what starts it.
  const end = payload.lastIndexOf("dispatch");
  const cuts = [
    0,
    ...Array.from({ length: 30 }, (_unused, at) => Math.floor((end * (at + 1)) / 31)),
    end,
    end + 10,
  ];
  for (const cut of cuts) {
    spawnSync("bash", ["-c", command], { input: payload.slice(0, cut), timeout: 20_000 });
    expect({ cut, is: readFileSync(installed, "utf8") }).toEqual({ cut, is: "former" });
  }
}, 60_000);
