/** Perl modules that checks load: in the guest image, and a configuration that needs one which is not there is refused with its name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ldirectordFor, renderLdirectord } from "../../model/ldirectord";
import { Box } from "./support/box";
import { ENTRIES } from "./support/entries";
import { labOf } from "./support/fleet";

/** What ldirectord 4.12 loads for a check, and what that loads in turn. */
const LOADED: Readonly<Record<string, readonly string[]>> = {
  http: ["LWP/UserAgent.pm"],
  https: ["LWP/Protocol/https.pm", "IO/Socket/SSL.pm"],
  "http and IPv6": ["Net/INET6Glue.pm"],
  ftp: ["Net/FTP.pm"],
  "smtp and submission": ["Net/SMTP.pm"],
  pop: ["Mail/POP3Client.pm"],
  pops: ["Mail/POP3Client.pm", "IO/Socket/SSL.pm"],
  imap: ["Net/IMAP/Simple.pm"],
  imaps: ["Net/IMAP/Simple/SSL.pm", "IO/Socket/SSL.pm"],
  ldap: ["Net/LDAP.pm"],
  ldaps: ["Net/LDAP.pm", "IO/Socket/SSL.pm"],
  dns: ["Net/DNS.pm"],
  mysql: ["DBI.pm", "DBD/mysql.pm"],
  pgsql: ["DBI.pm", "DBD/Pg.pm"],
  nntp: ["IO/Socket/INET6.pm"],
  radius: ["Authen/Radius.pm"],
  ping: ["Net/Ping.pm"],
};
/** Not among what Debian's package depends on: rows of need_check_modules, but for IPv6, which the lab cannot configure. */
const ADDED: Readonly<Record<string, string>> = {
  mysql: "DBD/mysql.pm",
  pgsql: "DBD/Pg.pm",
  "http and IPv6": "Net/INET6Glue.pm",
};

/** What need_check_modules looks for; https is among it for systems whose LWP comes without. */
const NEEDED: Readonly<Record<string, string>> = {
  https: "LWP/Protocol/https.pm",
  mysql: "DBD/mysql.pm",
  pgsql: "DBD/Pg.pm",
};

let box: Box;
beforeAll(async () => {
  box = await Box.open("192.168.7.30/24");
  for (const file of ["common.sh", "director.sh"]) {
    box.write(`/srv/${file}`, readFileSync(join(__dirname, "../../scripts/guest", file), "utf8"));
  }
}, 300_000);
afterAll(() => box?.close());

/** Where the box's Perl finds a module. */
const pathOf = (module: string): string =>
  box
    .must([
      "perl",
      "-e",
      `use Cwd "realpath"; print map { realpath($_) } grep { -e } map { "$_/${module}" } @INC; require "${module}"`,
    ])
    .trim();

/** The installed packages that come with one: what it depends on, and that in turn. */
function withDependencies(root: string): Set<string> {
  const list = box.must(["dpkg-query", "-W", "-f", "${Package}|${Provides}|${Pre-Depends}, ${Depends}\n"]);
  const rows = list.split("\n").map((line) => line.split("|"));
  const names = (text = ""): string[] =>
    text.split(",").flatMap((each) => each.trim().split(/[ :(]/)[0] || []);
  const providers = new Map(
    rows.flatMap(([name = "", provides]) => names(provides).map((each) => [each, name] as const)),
  );
  // Alternatives stand behind bars, which the first split took for columns: what follows is of the same kind.
  const needs = new Map(rows.map(([name = "", , ...depends]) => [name, names(depends.join(","))]));
  const found = new Set<string>();
  const visit = (name: string): void => {
    const real = needs.has(name) ? name : providers.get(name);
    if (real === undefined || found.has(real)) return;
    found.add(real);
    needs.get(real)?.forEach(visit);
  };
  visit(root);
  return found;
}

describe("Perl modules", () => {
  it("that Debian's ldirectord does not pull in are known", () => {
    const packages = withDependencies("ldirectord");
    const owner = (module: string): string => {
      const path = pathOf(module);
      const asked = box.run(["dpkg", "-S", path, path.replace(/^\/usr/, ""), `/usr${path}`]).stdout;
      return asked.split(":")[0] ?? "";
    };
    const missing = Object.entries(LOADED).flatMap(([check, modules]) =>
      modules.filter((module) => !packages.has(owner(module))).map((module) => [check, module]),
    );
    expect(Object.fromEntries(missing)).toEqual(ADDED);
  });

  const refusal = (cf: string): { status: number | null; stderr: string } =>
    box.run(
      [
        "bash",
        "-c",
        "source /srv/common.sh; source <(grep -v '^dispatch ' /srv/director.sh); need_check_modules",
      ],
      {
        ...{ LVS_NODE: "director", LVS_IF: "lan", LVS_MODE: "ldirectord", LVS_SORRY_PORTS: "" },
        LVS_LDIRECTORD_CF: cf,
      },
    );
  const all = (): string => renderLdirectord(ldirectordFor(labOf(ENTRIES)));

  it("that checks of every service need are in the guest image", () => {
    expect(refusal(all())).toMatchObject({ status: 0, stderr: "" });
  });

  it.each(Object.keys(NEEDED))("a check of %s without its own is refused, by its name", (service) => {
    const module = NEEDED[service] ?? "";
    box.must(["rm", pathOf(module)]);
    const only = { [service]: ENTRIES[service] as (typeof ENTRIES)[string] };
    const { status, stderr } = refusal(renderLdirectord(ldirectordFor(labOf(only))));
    expect(status).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`lacks the Perl module ${module}, for checks of service ${service} \\(Debian package lib`),
    );
    const { http } = ENTRIES;
    expect(
      refusal(renderLdirectord(ldirectordFor(labOf({ http: http as (typeof ENTRIES)[string] })))).status,
    ).toBe(0);
  });

  it("a check of oracle is rendered, and refused where DBD::Oracle is not, which Debian has not", () => {
    const check = {
      service: "oracle",
      login: "check",
      passwd: "secret",
      database: "health",
      request: "SELECT 1 FROM dual",
    };
    const cf = renderLdirectord(ldirectordFor(labOf({ oracle: { port: 1521, check } })));
    expect(cf).toContain('service=oracle\n    checkport=1521\n    request="SELECT 1 FROM dual"');
    expect(refusal(cf)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("DBD/Oracle.pm") as string,
    });
  });
});
