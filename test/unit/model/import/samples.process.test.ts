/** The samples that Debian's packages bring, where they are: as many lines of each are taken over, and left, as docs/reference/import-files.md says. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NothingToImport } from "../../../../model/import/stack";
import { counts, importCf, importKeepalived, leftOf, missing } from "./support";

const LDIRECTORD = "/usr/share/doc/ldirectord/examples/ldirectord.cf";
/** Of a package that is unpacked and not installed: `dpkg-deb -x`. */
const KEEPALIVED = process.env.KEEPALIVED_SAMPLES ?? "/usr/share/doc/keepalived/samples";
const lacking = (path: string): string | undefined => (existsSync(path) ? undefined : path);
const skipped = (path: string | undefined): string => (path === undefined ? "" : ` (skipped: no ${path})`);

/** Of keepalived 2.2.7, and what becomes of their lines; those without a virtual server are refused. */
const SAMPLES: Readonly<Record<string, readonly [taken: number, left: number] | "refused">> = {
  "HTTP_GET.port": [14, 9],
  IPv6: [10, 7],
  PING_CHECK: [10, 7],
  SMTP_CHECK: [13, 37],
  SSL_GET: [29, 27],
  UDP_CHECK: [10, 9],
  conditional_conf: "refused",
  // With its mark.
  fwmark: [15, 3],
  inhibit: [14, 9],
  misc_check: [8, 9],
  misc_check_arg: [8, 9],
  quorum: [47, 15],
  sample: [18, 15],
  status_code: [13, 13],
  track_interface: "refused",
  virtual_server_group: [23, 15],
  virtualhost: [14, 12],
  vrrp: "refused",
  "vrrp.localcheck": "refused",
  "vrrp.lvs_syncd": [14, 31],
  "vrrp.routes": "refused",
  "vrrp.rules": "refused",
  "vrrp.scripts": "refused",
  "vrrp.static_ipaddress": "refused",
  "vrrp.sync": "refused",
};

const noCf = missing ?? lacking(LDIRECTORD);
it.skipIf(noCf)(`Debian's sample ldirectord.cf${skipped(noCf)}`, async () => {
  const imported = await importCf(readFileSync(LDIRECTORD, "utf8"));
  expect(counts(imported)).toEqual([18, 1]);
  expect(leftOf(imported).map(([, reason]) => reason)).toEqual([
    expect.stringContaining("freezes all health checks"),
  ]);
  expect(imported.lab.services[0]).toMatchObject({
    vip: "192.168.6.240",
    check: { virtualhost: "www.x.y.z" },
  });
});

const noSamples = lacking(KEEPALIVED);
describe.skipIf(noSamples)(`Debian's samples keepalived.conf.*${skipped(noSamples)}`, () => {
  const take = (name: string, marks: number[] = []) =>
    importKeepalived(readFileSync(join(KEEPALIVED, `keepalived.conf.${name}`), "utf8"), marks);

  it.each(Object.entries(SAMPLES))("%s: %j", (name, expected) => {
    if (expected === "refused") expect(() => take(name)).toThrow(NothingToImport);
    else expect(counts(take(name, name === "fwmark" ? [1] : []))).toEqual(expected);
  });

  it("and there are no others", () =>
    expect(
      readdirSync(KEEPALIVED)
        .flatMap((name) => /^keepalived\.conf\.(.+)$/.exec(name)?.[1] ?? [])
        .sort(),
    ).toEqual(Object.keys(SAMPLES).sort()));

  it("of which one does not say what bears its mark", () =>
    expect(() => take("fwmark")).toThrow(/name it by --mark 1=VIP:PORTS/));
});
