/** Mail servers, for servers.ts. */
import type { Own } from "./misbehaving";
import type { Make } from "./servers";

/** A certificate that names the address, and that Perl's IO::Socket::SSL trusts: pops and imaps checks refuse any other. */
const trustedCertificate = (address: string, dir: string): string =>
  [
    `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${address} -addext subjectAltName=IP:${address} -keyout ${dir}/key -out ${dir}/certificate 2>/dev/null`,
    `ln -s ${dir}/certificate "/etc/ssl/certs/$(openssl x509 -hash -noout -in ${dir}/certificate).0"`,
  ].join("\n");

export const exim: Make = ({ address, port, dir }) => ({
  command: ["exim4", "-bdf", "-C", `${dir}/exim.conf`],
  files: {
    "exim.conf": [
      "primary_hostname = mail.example.com",
      `local_interfaces = ${address}`,
      `daemon_smtp_ports = ${port}`,
      `spool_directory = ${dir}/spool`,
      `log_file_path = ${dir}/spool/%slog`,
      `pid_file_path = ${dir}/pid`,
      "rfc1413_query_timeout = 0s",
      "host_lookup =",
      "begin acl",
      "begin routers",
      "begin transports",
      "",
    ].join("\n"),
  },
  prepare: `mkdir -p ${dir}/spool && chown Debian-exim ${dir}/spool`,
});

export const dovecot =
  (protocol: "pop3" | "imap", ssl: boolean, own?: Own): Make =>
  ({ address, port, dir }) => ({
    command: ["dovecot", "-F", "-c", `${dir}/dovecot.conf`],
    files: {
      ...(own === undefined ? {} : { certificate: own.certificate, key: own.key }),
      "dovecot.conf": [
        `protocols = ${protocol}`,
        `listen = ${address}`,
        `base_dir = ${dir}/run`,
        `log_path = ${dir}/log`,
        `ssl = ${ssl ? "required" : "no"}`,
        ...(ssl ? [`ssl_cert = <${dir}/certificate`, `ssl_key = <${dir}/key`] : []),
        "disable_plaintext_auth = no",
        `mail_location = maildir:${dir}/mail`,
        "passdb {\n  driver = static\n  args = password=secret\n}",
        "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/tmp\n}",
        `service ${protocol}-login {`,
        `  inet_listener ${protocol} {\n    port = ${ssl ? 0 : port}\n  }`,
        `  inet_listener ${protocol}s {\n    port = ${ssl ? port : 0}\n  }`,
        "}",
        "service stats {\n  unix_listener stats-writer {\n    mode = 0666\n  }\n}",
        "",
      ].join("\n"),
    },
    prepare: [
      `mkdir -p ${dir}/mail && chown nobody ${dir}/mail`,
      ...(ssl && own === undefined ? [trustedCertificate(address, dir)] : []),
    ].join("\n"),
  });
