/** Every service that ldirectord can check and a server can be had for. */
import type { Entry } from "./fleet";
import { SERVERS } from "./servers";

const WEB = { request: "test.html", receive: "test" };
const DNS = { checktype: "negotiate", request: "www.example.com", receive: "192\\.0\\.2\\.1$" };
const MAIL = { login: "check", passwd: "secret" };
const LDAP = { request: "dc=example,dc=com", receive: "dc=example" };
export const ENTRIES: Readonly<Record<string, Entry>> = {
  http: { port: 80, check: { service: "http", ...WEB }, server: SERVERS.nginx },
  https: { port: 443, check: { service: "https", ...WEB }, server: SERVERS["nginx with TLS"] },
  ftp: { port: 21, check: { service: "ftp", ...WEB }, server: SERVERS.vsftpd },
  smtp: { port: 25, check: { service: "smtp" }, server: SERVERS.exim },
  submission: { port: 587, check: { service: "submission" }, server: SERVERS.exim },
  pop: { port: 110, check: { service: "pop", ...MAIL }, server: SERVERS["dovecot pop3"] },
  pops: { port: 995, check: { service: "pops", ...MAIL }, server: SERVERS["dovecot pop3s"] },
  imap: { port: 143, check: { service: "imap", ...MAIL }, server: SERVERS["dovecot imap"] },
  imaps: { port: 993, check: { service: "imaps", ...MAIL }, server: SERVERS["dovecot imaps"] },
  ldap: { port: 389, check: { service: "ldap", ...LDAP }, server: SERVERS["slapd ldap"] },
  ldaps: { port: 636, check: { service: "ldaps", ...LDAP }, server: SERVERS["slapd ldaps"] },
  dns: { port: 53, protocol: "udp", check: { service: "dns", ...DNS }, server: SERVERS.dnsmasq },
  mysql: {
    port: 3306,
    check: {
      service: "mysql",
      login: "check",
      passwd: "pass;word",
      database: "health",
      request: "SELECT one FROM enabled",
    },
    server: SERVERS.mariadb,
  },
  pgsql: {
    port: 5432,
    check: { service: "pgsql", login: "check", passwd: "secret", database: "postgres", request: "SELECT 1" },
    server: SERVERS.postgres,
  },
  simpletcp: {
    port: 6379,
    check: { service: "simpletcp", checktype: "negotiate", request: "PING\\n", receive: "PONG" },
    server: SERVERS.redis,
  },
  sip: {
    port: 5060,
    protocol: "udp",
    check: { service: "sip", checktype: "negotiate", login: "check@example.com" },
    server: SERVERS.kamailio,
  },
  nntp: { port: 119, check: { service: "nntp" }, server: SERVERS.leafnode },
  radius: {
    port: 1812,
    protocol: "udp",
    check: {
      service: "radius",
      checktype: "negotiate",
      login: "check",
      passwd: "secret",
      secret: "testing123",
    },
    server: SERVERS.freeradius,
  },
  http_proxy: {
    port: 3128,
    check: { service: "http_proxy", request: "http://192.168.7.101/test.html", receive: "test" },
    server: SERVERS.tinyproxy,
  },
};
