/** A real server of each protocol, from Debian's packages: how each is set up and started on an address. */
import type { Box } from "./box";
import { dovecot, exim } from "./mailServers";
import type { Own } from "./misbehaving";

export interface Server {
  /** Runs in the foreground, as root unless it says otherwise, with its files in `dir`. */
  readonly command: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Shell commands that run once, before the first start. */
  readonly prepare?: string;
}

export interface Place {
  readonly address: string;
  readonly port: number;
  /** A directory of the server's own. */
  readonly dir: string;
}

export type Make = (place: Place) => Server;

const CERTIFICATE = "/etc/ssl/certs/ssl-cert-snakeoil.pem";
const KEY = "/etc/ssl/private/ssl-cert-snakeoil.key";

/** Brackets around an IPv6 address. */
const host = (address: string): string => (address.includes(":") ? `[${address}]` : address);

/** @param own a certificate of its own @param name what a client must ask for in the TLS handshake */
export const nginx =
  (ssl: boolean, own?: Own, name?: string): Make =>
  ({ address, port, dir }) => ({
    command: ["nginx", "-e", "stderr", "-c", `${dir}/nginx.conf`],
    files: {
      ...(own === undefined ? {} : { certificate: own.certificate, key: own.key }),
      "nginx.conf": [
        `user root; daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;`,
        "events { worker_connections 64; }",
        `http { access_log ${dir}/access.log;`,
        ...(name === undefined
          ? []
          : [`  server { listen ${host(address)}:${port} ssl default_server; ssl_reject_handshake on; }`]),
        `  server { listen ${host(address)}:${port}${ssl ? " ssl" : ""}; root ${dir}/www;`,
        ...(name === undefined ? [] : [`    server_name ${name};`]),
        ...(ssl && own === undefined
          ? [`    ssl_certificate ${CERTIFICATE}; ssl_certificate_key ${KEY};`]
          : []),
        ...(own === undefined
          ? []
          : [`    ssl_certificate ${dir}/certificate; ssl_certificate_key ${dir}/key;`]),
        `    if (-f ${dir}/broken) { return 500; }`,
        "  }",
        "}",
      ].join("\n"),
      "www/test.html": "test\n",
    },
  });

export const slapd =
  (scheme: "ldap" | "ldaps", own?: Own): Make =>
  ({ address, port, dir }) => ({
    command: ["slapd", "-d", "0", "-f", `${dir}/slapd.conf`, "-h", `${scheme}://${address}:${port}/`],
    files: {
      ...(own === undefined ? {} : { certificate: own.certificate, key: own.key }),
      "slapd.conf": [
        "include /etc/ldap/schema/core.schema",
        "modulepath /usr/lib/ldap",
        "moduleload back_mdb",
        `pidfile ${dir}/pid`,
        `TLSCertificateFile ${own === undefined ? CERTIFICATE : `${dir}/certificate`}`,
        `TLSCertificateKeyFile ${own === undefined ? KEY : `${dir}/key`}`,
        "database mdb",
        "maxsize 10485760",
        'suffix "dc=example,dc=com"',
        'rootdn "cn=admin,dc=example,dc=com"',
        "rootpw secret",
        `directory ${dir}/db`,
        "",
      ].join("\n"),
      "base.ldif":
        "dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n",
    },
    prepare: `mkdir -p ${dir}/db && slapadd -f ${dir}/slapd.conf -l ${dir}/base.ldif`,
  });

/** Answers with what ${dir}/hosts says, at its start. */
const dnsmasq: Make = ({ address, port, dir }) => ({
  command: [
    ...[
      "dnsmasq",
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--no-resolv",
      "--no-hosts",
      "--user=root",
    ],
    ...[`--addn-hosts=${dir}/hosts`, `--listen-address=${address}`, "--bind-interfaces", `--port=${port}`],
    `--pid-file=${dir}/pid`,
  ],
  files: { hosts: "192.0.2.1 www.example.com\n" },
});

const mariadb: Make = ({ address, port, dir }) => ({
  command: [
    ...["mariadbd", "--no-defaults", "--user=mysql", `--datadir=${dir}/data`, `--bind-address=${address}`],
    ...[`--port=${port}`, `--socket=${dir}/socket`, `--pid-file=${dir}/pid`, `--init-file=${dir}/init.sql`],
    ...["--skip-name-resolve", "--innodb-use-native-aio=0", "--innodb-flush-method=fsync", "--skip-log-bin"],
    "--performance-schema=0",
  ],
  files: {
    "init.sql": [
      "CREATE DATABASE IF NOT EXISTS health;",
      "CREATE TABLE IF NOT EXISTS health.enabled (one INT PRIMARY KEY);",
      "INSERT IGNORE INTO health.enabled VALUES (1);",
      "CREATE USER IF NOT EXISTS 'check'@'%' IDENTIFIED BY 'pass;word';",
      "GRANT SELECT ON health.* TO 'check'@'%';",
      "",
    ].join("\n"),
  },
  prepare: `cp -a /var/lib/mysql ${dir}/data && chown mysql ${dir}`,
});

/** @param way in which it has its clients prove who they are */
export const postgresBy =
  (way: "scram-sha-256" | "trust"): Make =>
  ({ address, port, dir }) => ({
    command: [
      ...["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"],
      ...["sh", "-c", 'exec /usr/lib/postgresql/*/bin/postgres "$@"', "postgres"],
      ...["-D", `${dir}/data`, "-p", String(port), "-c", `listen_addresses=${address}`],
      ...["-c", `unix_socket_directories=${dir}`, "-c", `hba_file=${dir}/hba`, "-c", "fsync=off"],
    ],
    files: { hba: `host all all all ${way}\n` },
    prepare: [
      `mkdir -m 0700 ${dir}/data && chown -R postgres ${dir}`,
      `cd ${dir}`,
      `as="setpriv --reuid=postgres --regid=postgres --clear-groups"`,
      `$as /usr/lib/postgresql/*/bin/initdb -D ${dir}/data --no-sync -A scram-sha-256 --pwfile=/etc/hostname >/dev/null`,
      `echo "CREATE ROLE \\"check\\" LOGIN PASSWORD 'secret';" | $as /usr/lib/postgresql/*/bin/postgres --single -D ${dir}/data postgres >/dev/null`,
    ].join("\n"),
  });

const postgres = postgresBy("scram-sha-256");

const kamailio: Make = ({ address, port, dir }) => ({
  command: ["kamailio", "-DD", "-E", "-m", "16", "-M", "2", "-f", `${dir}/kamailio.cfg`, "-Y", dir],
  files: {
    "kamailio.cfg": [
      "debug=-1",
      "children=1",
      "auto_aliases=no",
      `listen=udp:${host(address)}:${port}`,
      `listen=tcp:${host(address)}:${port}`,
      'loadmodule "sl.so"',
      "request_route {",
      '  if (method == "OPTIONS") { sl_send_reply("200", "OK"); exit; }',
      '  sl_send_reply("403", "Forbidden");',
      "}",
      "",
    ].join("\n"),
  },
});

const leafnode: Make = ({ address, port, dir }) => ({
  command: ["inetd", "-i", `${dir}/inetd.conf`],
  files: {
    "inetd.conf": `${host(address)}:${port} stream tcp${address.includes(":") ? "6" : ""} nowait news /usr/sbin/leafnode leafnode\n`,
  },
  prepare: [
    `printf 'server = localhost\\nexpire = 20\\nhostname = news.lab.internal\\n' >/etc/news/leafnode/config`,
    "chown news:news /etc/news/leafnode/config",
  ].join("\n"),
});

const freeradius: Make = ({ address, port, dir }) => ({
  command: ["freeradius", "-f", "-d", dir],
  files: {
    "radiusd.conf": [
      "prefix = /usr",
      "libdir = /usr/lib/freeradius",
      `logdir = ${dir}`,
      `run_dir = ${dir}`,
      `pidfile = ${dir}/pid`,
      "log {\n  destination = stderr\n}",
      "security {\n  allow_vulnerable_openssl = yes\n}",
      `modules {\n  pap {\n  }\n  files {\n    usersfile = ${dir}/users\n  }\n}`,
      `client lab {\n  ipaddr = 192.168.7.0/24\n  secret = testing123\n}`,
      "server default {",
      `  listen {\n    type = auth\n    ipaddr = ${address}\n    port = ${port}\n  }`,
      "  authorize {\n    files\n    pap\n  }",
      "  authenticate {\n    Auth-Type PAP {\n      pap\n    }\n  }",
      "}",
      "",
    ].join("\n"),
    dictionary: "$INCLUDE /usr/share/freeradius/dictionary\n",
    users: 'check Cleartext-Password := "secret"\n',
  },
});

const tinyproxy: Make = ({ address, port, dir }) => ({
  command: ["tinyproxy", "-d", "-c", `${dir}/tinyproxy.conf`],
  files: {
    "tinyproxy.conf": `Listen ${address}\nPort ${port}\nTimeout 10\nMaxClients 10\nLogFile "${dir}/log"\n`,
  },
});

const redis: Make = ({ address, port, dir }) => ({
  command: [
    ...["redis-server", "--bind", address, "--port", String(port), "--dir", dir],
    ...["--save", "", "--protected-mode", "no", "--daemonize", "no"],
  ],
});

export const SERVERS = {
  nginx: nginx(false),
  "nginx with TLS": nginx(true),
  vsftpd: (({ address, port, dir }) => ({
    command: ["vsftpd", `${dir}/vsftpd.conf`],
    files: {
      "vsftpd.conf": [
        "listen=YES",
        "background=NO",
        `listen_address=${address}`,
        `listen_port=${port}`,
        "anonymous_enable=YES",
        `anon_root=${dir}/root`,
        "no_anon_password=YES",
        "seccomp_sandbox=NO",
        "secure_chroot_dir=/run/vsftpd",
        "",
      ].join("\n"),
      "root/test.html": "test\n",
    },
    prepare: "mkdir -p /run/vsftpd",
  })) as Make,
  exim,
  "dovecot pop3": dovecot("pop3", false),
  "dovecot pop3s": dovecot("pop3", true),
  "dovecot imap": dovecot("imap", false),
  "dovecot imaps": dovecot("imap", true),
  "slapd ldap": slapd("ldap"),
  "slapd ldaps": slapd("ldaps"),
  dnsmasq,
  mariadb,
  postgres,
  kamailio,
  leafnode,
  freeradius,
  tinyproxy,
  redis,
} as const satisfies Record<string, Make>;

/** Writes the server's files and prepares what it needs. */
export function install(box: Box, make: Make, place: Place): Server {
  const server = make(place);
  box.write(`${place.dir}/.keep`, "");
  for (const [name, text] of Object.entries(server.files ?? {})) box.write(`${place.dir}/${name}`, text);
  if (server.prepare !== undefined) box.must(["sh", "-ec", server.prepare]);
  return server;
}

export function addAddress(box: Box, address: string): void {
  box.must([
    "ip",
    "addr",
    "replace",
    `${address}/${address.includes(":") ? "128" : "32"}`,
    "dev",
    "lan",
    ...(address.includes(":") ? ["nodad"] : []),
  ]);
}

export function removeAddress(box: Box, address: string): void {
  box.must(["ip", "addr", "del", `${address}/${address.includes(":") ? "128" : "32"}`, "dev", "lan"]);
}
