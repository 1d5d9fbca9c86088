/** Perl modules that checks load: in the guest image, and a configuration that needs one which is not there is refused with its name. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ldirectordFor, renderLdirectord } from "../../model/director/ldirectord/ldirectord";
import { Box } from "./support/box";
import { unit } from "./support/daemon";
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
/** Not among what Debian's package depends on: rows of DryRun.pm, but for IPv6, which the lab cannot configure. */
const ADDED: Readonly<Record<string, string>> = {
  mysql: "DBD/mysql.pm",
  pgsql: "DBD/Pg.pm",
  "http and IPv6": "Net/INET6Glue.pm",
};

/** What the dry run looks for; https is among it for systems whose LWP comes without. */
const NEEDED: Readonly<Record<string, string>> = {
  https: "LWP/Protocol/https.pm",
  mysql: "DBD/mysql.pm",
  pgsql: "DBD/Pg.pm",
};

let box: Box;
beforeAll(async () => {
  box = await Box.open("192.168.7.30/24");
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

  const refusal = (cf: string): { status: number | null; stderr: string } => {
    box.write("/srv/lab.cf", cf);
    return box.run(["/usr/local/lib/lvs-dr/ldirectord-dry-run.sh", "/srv/lab.cf"], { DRY_RUN_HERE: "1" });
  };
  const all = (): string => renderLdirectord(ldirectordFor(labOf(ENTRIES)));

  it("that checks of every service need are in the guest image", () => {
    expect(refusal(all())).toMatchObject({ status: 0, stderr: "" });
  });

  it.each(Object.keys(NEEDED))("a check of %s without its own is refused, by its name", (service) => {
    const module = NEEDED[service] ?? "";
    box.must(["rm", pathOf(module)]);
    const only = { [service]: ENTRIES[service] as (typeof ENTRIES)[string] };
    const { status, stderr } = refusal(renderLdirectord(ldirectordFor(labOf(only))));
    expect(status).toBe(2);
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
      status: 2,
      stderr: expect.stringContaining("DBD/Oracle.pm") as string,
    });
  });
});

describe("files and programs that a configuration names", () => {
  const refusedBy = (lines: string, global = ""): string => {
    const cf = `supervised=yes\n${global}\nvirtual=10.0.0.1:80\n    real=192.168.7.10:80 gate 1\n    service=none\n${lines}\n`;
    box.write("/srv/lab.cf", cf);
    const { status, stderr } = box.run(["/usr/local/lib/lvs-dr/ldirectord-dry-run.sh", "/srv/lab.cf"], {
      DRY_RUN_HERE: "1",
    });
    expect(status).toBe(stderr === "" ? 0 : 2);
    // On another machine than the director nobody can tell.
    expect(box.run(["/usr/local/lib/lvs-dr/ldirectord-dry-run.sh", "/srv/lab.cf"])).toMatchObject({
      status: 0,
      stderr: "",
    });
    return stderr;
  };

  it("must be there, and be what they are named for", () => {
    box.write("/srv/plain", "text\n");
    box.write("/srv/run", "#!/bin/sh\n", 0o755);
    box.write("/srv/good.pl", "use LWP::UserAgent; my $x = $ARGV[0]; exit(0);\n");
    box.write("/srv/bad.pl", "$undeclared = 1;\n");
    const external = (path: string): string => `    checktype=external\n    checkcommand="${path}"`;
    const perl = (path: string): string => `    checktype=external-perl\n    checkcommand="${path}"`;
    const mail = "emailalert=a@example.com";
    const table: [string, string, string][] = [
      [external("/srv/gone"), "", "checkcommand /srv/gone is not there"],
      [external("/srv/plain"), "", "checkcommand /srv/plain is not a program that can be run"],
      [external("/srv"), "", "checkcommand /srv is not a program that can be run"],
      [external("/srv/run"), "", ""],
      [perl("/srv/gone.pl"), "", "checkcommand /srv/gone.pl is not there"],
      [perl("/srv/bad.pl"), "", "checkcommand /srv/bad.pl is not Perl code that can be run: Global symbol"],
      [perl("/srv/good.pl"), "", ""],
      ["    fallbackcommand=/srv/gone with words", "", "fallbackcommand /srv/gone is not there"],
      ["    fallbackcommand=/srv/run with words", "", ""],
      ["", "fallbackcommand=/srv/plain", "fallbackcommand /srv/plain is not a program that can be run"],
      ["", 'callback="/srv/gone"', "callback /srv/gone is not there"],
      ["", "maintenancedir=/srv/gone", "maintenancedir /srv/gone is not a directory"],
      ["", "maintenancedir=/srv", ""],
      [
        '    monitorfile="/srv/gone/log"',
        "",
        "monitorfile /srv/gone/log: the directory /srv/gone is not there",
      ],
      ['    monitorfile="/srv"', "", "monitorfile /srv is a directory"],
      ['    monitorfile="/srv/log"', "", ""],
      ["", mail, "alerts need a mail server (smtp): this director has no mail program, /usr/sbin/sendmail"],
      ["    smtp=mail.example.com", mail, ""],
    ];
    box.must(["mv", "/usr/sbin/sendmail", "/usr/sbin/sendmail.away"]);
    for (const [lines, global, words] of table) {
      const said = refusedBy(lines, global);
      expect([lines, global, said.includes(words), said === ""]).toEqual([lines, global, true, words === ""]);
    }
    box.must(["mv", "/usr/sbin/sendmail.away", "/usr/sbin/sendmail"]);
    expect(refusedBy("", mail)).toBe("");
  });

  it("are refused all at once", () => {
    const said = refusedBy(
      '    fallbackcommand=/srv/gone\n    monitorfile="/srv/gone/log"',
      'callback="/srv/other"',
    );
    expect(said.trim().split("\n").sort()).toEqual([
      "Error: callback /srv/other is not there",
      "Error: fallbackcommand /srv/gone is not there",
      "monitorfile /srv/gone/log: the directory /srv/gone is not there",
    ]);
  });
});

describe("another ldirectord than 4.12", () => {
  it("is neither asked nor run where a sub that is replaced is not there", () => {
    const text = box.read("/usr/sbin/ldirectord");
    box.write("/usr/sbin/ldirectord", text.replaceAll("ld_gethostbyaddr", "ld_renamed"), 0o755);
    const asked = box.run(["/usr/local/lib/lvs-dr/ldirectord-dry-run.sh", "/srv/lab.cf"]);
    expect(asked).toMatchObject({ status: 2, stdout: "" });
    expect(asked.stderr).toContain("this ldirectord is not 4.12: it has no sub ld_gethostbyaddr");
    const { start, environment } = unit();
    const run = box.run(start.split(" "), environment);
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain("it has no sub ld_gethostbyaddr");
    box.write("/usr/sbin/ldirectord", text, 0o755);
  });
});
