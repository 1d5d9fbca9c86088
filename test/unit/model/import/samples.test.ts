/** The samples that Debian's packages bring, where they are installed: each is imported, or refused with the reasons. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NothingToImport } from "../../../../model/import/stack";
import { importCf, importKeepalived, leftOf, missing } from "./support";

const LDIRECTORD = "/usr/share/doc/ldirectord/examples/ldirectord.cf";
const KEEPALIVED = "/usr/share/doc/keepalived/samples";

describe("Debian's samples", () => {
  it.skipIf(missing !== undefined || !existsSync(LDIRECTORD))("ldirectord.cf", async () => {
    const imported = await importCf(readFileSync(LDIRECTORD, "utf8"));
    expect(leftOf(imported).map(([, reason]) => reason)).toEqual([
      expect.stringContaining("freezes all health checks"),
    ]);
    expect(imported.lab.services[0]).toMatchObject({
      vip: "192.168.6.240",
      check: { virtualhost: "www.x.y.z" },
    });
  });

  const names = existsSync(KEEPALIVED) ? readdirSync(KEEPALIVED) : [];
  it.each(names.filter((name) => name.startsWith("keepalived.conf.")))("%s", (name) => {
    const text = readFileSync(join(KEEPALIVED, name), "utf8");
    try {
      expect(importKeepalived(text, [1, 2]).lab.services.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(NothingToImport);
      expect((error as Error).message).toMatch(/^ {2}line \d+: /m);
    }
  });
});
