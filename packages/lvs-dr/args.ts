// Written by `npx tsx tools/generate.ts` from model/config/schema.ts.
import type * as pulumi from "@pulumi/pulumi";

/** Bridges that join the hosts: each segment is one layer 2 network, a VLAN perhaps, on all of them. */
export interface Bridges {
  /** An existing bridge of the host that the client segment is attached to. */
  readonly client?: string;
  /** An existing bridge of the host that the server segment is attached to. */
  readonly server?: string;
}

/** Hosts whose libvirt has the guests (docs/howto/several-hosts.md), instead of libvirtUri and remoteHostKey. Directors are on different hosts, real servers on one after the other, router and client on the first, unless their `host` says otherwise. */
export interface Host {
  /** Name of the host, for `host` of a guest. Default: host1, host2, …. */
  readonly name?: string;
  /** Its libvirt: qemu:///system on this host, or qemu+ssh://USER@HOST:PORT/system?keyfile=/path/to/key. Default: qemu:///system. */
  readonly libvirtUri?: string;
  /** Public SSH host key that it must show. Required with qemu+ssh. */
  readonly hostKey?: string;
  /** The host's address on the client segment. Default: clientNetwork.hostAddress, and of further hosts the highest that are free. */
  readonly clientAddress?: string;
  /** The host's address on the server segment. Default: serverNetwork.hostAddress, and of further hosts the highest that are free. */
  readonly serverAddress?: string;
  /** Bridges that join the hosts: each segment is one layer 2 network, a VLAN perhaps, on all of them. */
  readonly bridges?: Bridges;
  /** Its address among the hosts, instead of bridges: VXLAN (UDP port 4789) carries the segments from host to host, and the segments' MTU follows from that of the underlay. */
  readonly underlay?: string;
}

/** kvm, qemu (TCG, slow) or auto: kvm where a probe guest boots with it. */
export enum Accelerator {
  Auto = "auto",
  Kvm = "kvm",
  Qemu = "qemu",
}

/** The client segment. */
export interface ClientNetwork {
  /** IPv4 network of the client segment. Default: 172.18.0.0/16. */
  readonly cidr?: string;
  /** IPv6 network of the client segment; with it go serverNetwork.cidr6 and vip6Cidr or vip6. Default: none: a lab of IPv4 alone. */
  readonly cidr6?: string;
  /** The host's address on the segment. Default: host part 0.1 of its network. */
  readonly hostAddress?: string;
  /** An existing bridge of the host that the segment is attached to (the article's bridged network). */
  readonly bridge?: string;
  /** MTU of every NIC on the segment. Allowed: 1280–9000. Default: 1500, or what VXLAN leaves of the underlay's. */
  readonly mtu?: number;
}

/** The server segment: one layer 2 segment for router, director and real servers. */
export interface ServerNetwork {
  /** IPv4 network of the director and the real servers. Default: 192.168.7.0/24. */
  readonly cidr?: string;
  /** IPv6 network of the director and the real servers. Default: none: a lab of IPv4 alone. */
  readonly cidr6?: string;
  /** The host's address on the segment. Default: host part .1 of its network. */
  readonly hostAddress?: string;
  /** An existing bridge of the host that the segment is attached to, such as the one that machines that exist are on. */
  readonly bridge?: string;
  /** MTU of every NIC on the segment. Allowed: 1280–9000. Default: 1500, or what VXLAN leaves of the underlay's. */
  readonly mtu?: number;
}

/** client: behind the router. server: among the real servers, where it asks for the VIP by ARP itself; then the VIPs lie there too. */
export enum Network {
  Client = "client",
  Server = "server",
}

/** The machine through which it is reached, and no other way. */
export interface Jump {
  /** Name or address of the machine on the way. */
  readonly host: string;
  /** Who logs in: root, or a user whose sudo asks for no password. Default: root. */
  readonly user?: string;
  /** Port of its SSH server. Allowed: 1–65535. Default: 22. */
  readonly port?: number;
  /** File of the private key that opens it, on the host that the program runs on. Default: the keys of the SSH agent. */
  readonly keyFile?: string;
  /** Its public SSH host key; it must show this one. */
  readonly hostKey: string;
}

/** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
export interface Ssh {
  /** Name or address at which it is reached. Default: address. */
  readonly host?: string;
  /** Who logs in: root, or a user whose sudo asks for no password. Default: root. */
  readonly user?: string;
  /** Port of its SSH server. Allowed: 1–65535. Default: 22. */
  readonly port?: number;
  /** File of the private key that opens it, on the host that the program runs on. Default: the keys of the SSH agent. */
  readonly keyFile?: string;
  /** Its public SSH host key; it must show this one. */
  readonly hostKey: string;
  /** The machine through which it is reached, and no other way. */
  readonly jump?: Jump;
}

/** The client guest; false for none: requests are then made from where the program runs. */
export interface Client {
  /** Whether there is one. Default: true. */
  readonly enabled?: boolean;
  /** Name of the guest, and its host name. Default: client. */
  readonly name?: string;
  /** client: behind the router. server: among the real servers, where it asks for the VIP by ARP itself; then the VIPs lie there too. Default: client. */
  readonly network?: Network;
  /** IPv4 address, without prefix. Default: host part 7.70, .70 on the server segment of its network. */
  readonly address?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of address, digit for digit. */
  readonly address6?: string;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly mac?: string;
  /** Memory of this guest in MiB. Allowed: 256–65536. Default: memory. */
  readonly memory?: number;
  /** Virtual CPUs of this guest. Allowed: 1–16. Default: vcpus. */
  readonly vcpus?: number;
  /** The one of `hosts` that has this guest. Default: see hosts. */
  readonly host?: string;
  /** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
  readonly ssh?: Ssh;
}

/** The router guest between the two segments; false for none: machines have their way to clients by themselves. */
export interface Router {
  /** Whether there is one. Default: true. */
  readonly enabled?: boolean;
  /** Name of the guest, and its host name. Default: router. */
  readonly name?: string;
  /** IPv4 address, without prefix. Default: host part 7.200 of its network. */
  readonly clientAddress?: string;
  /** IPv4 address, without prefix. Default: host part .200 of its network. */
  readonly serverAddress?: string;
  /** Its address in vipCidr. Default: host part .200 of vipCidr. */
  readonly vipAddress?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of clientAddress, digit for digit. */
  readonly clientAddress6?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of serverAddress, digit for digit. */
  readonly serverAddress6?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of vipAddress, digit for digit. */
  readonly vipAddress6?: string;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly clientMac?: string;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly serverMac?: string;
  /** Memory of this guest in MiB. Allowed: 256–65536. Default: memory. */
  readonly memory?: number;
  /** Virtual CPUs of this guest. Allowed: 1–16. Default: vcpus. */
  readonly vcpus?: number;
  /** The one of `hosts` that has this guest. Default: see hosts. */
  readonly host?: string;
  /** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
  readonly ssh?: Ssh;
}

/** Who checks the real servers and keeps the table: ldirectord, or keepalived's own checkers; static fills the table once: checks, sorry servers and quiescent wait for another mode. */
export enum DirectorMode {
  Ldirectord = "ldirectord",
  Keepalived = "keepalived",
  Static = "static",
}

/** The director guest. */
export interface Director {
  /** Name of the guest, and its host name. Default: director. */
  readonly name?: string;
  /** DIP. Default: host part .30 of its network. */
  readonly address?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of address, digit for digit. */
  readonly address6?: string;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly mac?: string;
  /** Who checks the real servers and keeps the table: ldirectord, or keepalived's own checkers; static fills the table once: checks, sorry servers and quiescent wait for another mode. Default: ldirectord. */
  readonly mode?: DirectorMode;
  /** Text files that every director gets as /etc/lvs-dr/files/NAME, such as the programs of checkcommand, fallbackcommand and callback; from the project's directory. */
  readonly files?: string[];
  /** Memory of this guest in MiB. Allowed: 256–65536. Default: memory. */
  readonly memory?: number;
  /** Virtual CPUs of this guest. Allowed: 1–16. Default: vcpus. */
  readonly vcpus?: number;
  /** The one of `hosts` that has this guest. Default: see hosts. */
  readonly host?: string;
  /** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
  readonly ssh?: Ssh;
}

/** Two directors, of which one holds the VIP (docs/explanation/pair.md); `director` is short for a list of one. Its `mode`, `files`, `memory` and `vcpus` are for both. */
export interface PairDirector {
  /** Name of the guest, and its host name. Default: director, or director1 and director2. */
  readonly name?: string;
  /** DIP. Default: host part .30, .29 of its network. */
  readonly address?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of address, digit for digit. */
  readonly address6?: string;
  /** Priority in VRRP. The higher one takes the VIP where both start at once, and with failback automatic whenever it can. Allowed: 1–254. Default: 200, 190. */
  readonly priority?: number;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly mac?: string;
  /** Memory of this guest in MiB. Allowed: 256–65536. Default: memory. */
  readonly memory?: number;
  /** Virtual CPUs of this guest. Allowed: 1–16. Default: vcpus. */
  readonly vcpus?: number;
  /** The one of `hosts` that has this guest. Default: see hosts. */
  readonly host?: string;
  /** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
  readonly ssh?: Ssh;
}

/** Who decides which director holds the VIP: keepalived, by VRRP version 3, in less than a second; or Pacemaker on Corosync, which first has a director that is lost powered off and on, and takes some seconds. */
export enum PairManager {
  Keepalived = "keepalived",
  Pacemaker = "pacemaker",
}

/** manual: a director that returns is the standby until somebody moves the VIP (`scripts/lab failover`). automatic: the one with the higher priority takes it back, and connections that it was not told of since its return end. */
export enum Failback {
  Manual = "manual",
  Automatic = "automatic",
}

/** How connections outlive a failover. daemon: IPVS tells the standby of each; hash: both directors compute the same real server, which needs the scheduler sh or mh for every service; off: they end. */
export enum ConnectionSync {
  Daemon = "daemon",
  Hash = "hash",
  Off = "off",
}

/** How two directors share the VIP. */
export interface HighAvailability {
  /** Who decides which director holds the VIP: keepalived, by VRRP version 3, in less than a second; or Pacemaker on Corosync, which first has a director that is lost powered off and on, and takes some seconds. Default: keepalived. */
  readonly manager?: PairManager;
  /** keepalived's: seconds between two adverts of the active director. The standby takes over when it has missed 8 of them (at 0.3 s and more: 3). Below 0.1 a guest without KVM may take over though nothing has failed. Allowed: 0.01–40.95. Default: 0.1. */
  readonly advertInterval?: number;
  /** Pacemaker's: milliseconds after which Corosync takes a director that is silent for lost. Less than 1000 is for guests with KVM. Allowed: 300–60000. Default: 1000. */
  readonly token?: number;
  /** VRRP's number of the pair, and that of its connection sync, which no other on the segment may have. Allowed: 1–255. Default: 51. */
  readonly virtualRouterId?: number;
  /** manual: a director that returns is the standby until somebody moves the VIP (`scripts/lab failover`). automatic: the one with the higher priority takes it back, and connections that it was not told of since its return end. Default: manual. */
  readonly failback?: Failback;
  /** How connections outlive a failover. daemon: IPVS tells the standby of each; hash: both directors compute the same real server, which needs the scheduler sh or mh for every service; off: they end. Default: daemon. */
  readonly sync?: ConnectionSync;
}

/** IPVS scheduler of the main service; twos is refused with the project's own image. */
export enum Scheduler {
  Rr = "rr",
  Wrr = "wrr",
  Lc = "lc",
  Wlc = "wlc",
  Fo = "fo",
  Ovf = "ovf",
  Lblc = "lblc",
  Lblcr = "lblcr",
  Dh = "dh",
  Sh = "sh",
  Mh = "mh",
  Sed = "sed",
  Nq = "nq",
  Twos = "twos",
}

/** The real servers one by one, instead of realServerCount. An address that one guest gives up is free for another only at the next `up`, since guests are deleted last: such a change is refused. */
export interface RealServer {
  /** Name of the guest, and its host name. Default: rs1, rs2, …. */
  readonly name?: string;
  /** IPv4 address, without prefix. The default goes by the number in which the name ends, and so stays when another server goes; by the position in the list, where not every name has a number of its own from 1 to 64. Default: host part .10, .20, .31, .32 … of its network. */
  readonly address?: string;
  /** IPv6 address, without prefix, in a lab that has IPv6. Default: host part of address, digit for digit. */
  readonly address6?: string;
  /** Weight in the table. Allowed: 0–65535. Default: 1. */
  readonly weight?: number;
  /** Take out of rotation: weight 0, open connections keep running. Do it before you remove a server. Default: false. */
  readonly drain?: boolean;
  /** MAC address. Default: 52:54:00 and a digest of project, stack, guest and NIC. */
  readonly mac?: string;
  /** Default gateway. Only the router: replies must bypass the director. Default: router.serverAddress. */
  readonly gateway?: string;
  /** Only the service's port: Direct Routing cannot map ports. Allowed: 1–65535. */
  readonly port?: number;
  /** Connections below which an overloaded server gets new ones again. Allowed: 1–2147483647. */
  readonly lowerThreshold?: number;
  /** Connections above which it gets no new ones. Allowed: 1–2147483647. */
  readonly upperThreshold?: number;
  /** Replaces the check's request for this server, in services whose check has the same service as main's; needs receive. */
  readonly request?: string;
  /** Replaces the check's receive for this server; needs request. */
  readonly receive?: string;
  /** Memory of this guest in MiB. Allowed: 256–65536. Default: memory. */
  readonly memory?: number;
  /** Virtual CPUs of this guest. Allowed: 1–16. Default: vcpus. */
  readonly vcpus?: number;
  /** The one of `hosts` that has this guest. Default: see hosts. */
  readonly host?: string;
  /** A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md. */
  readonly ssh?: Ssh;
}

/** How the VIP's ARP conflict is solved on the real servers and the router. */
export enum ArpStrategy {
  Sysctl = "sysctl",
  Arptables = "arptables",
  Static = "static",
}

/** Answers while no real server is up (ldirectord's fallback), or false for none. A main service that is udp, or checked by another protocol than http, has none unless an address is set. */
export interface SorryServer {
  /** Whether there is one. Default: true. */
  readonly enabled?: boolean;
  /** Body of the page that clients read while no real server is up. Default: sorry server. */
  readonly page?: string;
  /** 127.0.0.1 is the director's own web server, which speaks HTTP only; another address must be on the server segment. Default: 127.0.0.1. */
  readonly address?: string;
  /** The same for clients of IPv6. Default: ::1 beside 127.0.0.1, address6 of a real server beside its address. */
  readonly address6?: string;
  /** Only the service's port: Direct Routing cannot map ports. Allowed: 1–65535. */
  readonly port?: number;
}

/** Protocol of a negotiate check. */
export enum CheckService {
  Dns = "dns",
  Ftp = "ftp",
  Http = "http",
  Https = "https",
  HttpProxy = "http_proxy",
  Imap = "imap",
  Imaps = "imaps",
  Ldap = "ldap",
  Ldaps = "ldaps",
  Mysql = "mysql",
  Nntp = "nntp",
  None = "none",
  Oracle = "oracle",
  Pgsql = "pgsql",
  Pop = "pop",
  Pops = "pops",
  Radius = "radius",
  Simpletcp = "simpletcp",
  Sip = "sip",
  Smtp = "smtp",
  Submission = "submission",
}

/** HTTP method of the check. */
export enum HttpMethod {
  GET = "GET",
  HEAD = "HEAD",
}

/** How the main service's real servers are checked; see ldirectord(8). */
export interface HealthCheck {
  /** How real servers are checked; a number N means one negotiate check after N connects; off is always refused. Allowed: `negotiate`, `connect`, `ping`, `external`, `external-perl`, `on`, `off`. Default: negotiate; connect where the port's protocol is unknown, ping for udp. */
  readonly checktype?: string;
  /** Protocol of a negotiate check. Default: http for the main service, else by port. */
  readonly service?: CheckService;
  /** Port that is checked. Allowed: 1–65535. Default: the service's port. */
  readonly checkport?: number;
  /** Program on the director that external checks run, or for external-perl a file of Perl code; one of your own comes by director.files. `up` fails where it is not there. */
  readonly checkcommand?: string;
  /** What a negotiate check asks for: a path, an SQL query, a DNS name … Default: test.html for http and https. */
  readonly request?: string;
  /** Regular expression that the answer must match. Default: test for http and https. */
  readonly receive?: string;
  /** HTTP method of the check. Default: GET. */
  readonly httpmethod?: HttpMethod;
  /** Host header of the check; for https also the server's name in the TLS handshake (SNI). */
  readonly virtualhost?: string;
  /** User name of the check. */
  readonly login?: string;
  /** Password of the check. Set it with `pulumi config set --secret`. */
  readonly passwd?: pulumi.Input<string>;
  /** Database of a mysql, pgsql or oracle check. */
  readonly database?: string;
  /** Secret of a radius check. */
  readonly secret?: pulumi.Input<string>;
  /** Whether the certificate of an https, pops, imaps or ldaps server must come from an issuer that the director trusts. Its name does not matter: a check goes to the real server's address. Default: true; false for ldaps. */
  readonly verify?: boolean;
  /** The trusted issuers, in PEM, for example a certificate authority of your own. Default: those of the director's /etc/ssl/certs. */
  readonly ca?: string;
  /** Seconds that a connect, ping or external check, and a fallbackcommand, may take. Allowed: 1–86400. Default: 3. */
  readonly checktimeout?: number;
  /** Seconds that a negotiate check may take. Allowed: 1–86400. Default: checktimeout. */
  readonly negotiatetimeout?: number;
  /** Seconds between two rounds of checks. Allowed: 1–86400. Default: 1. */
  readonly checkinterval?: number;
  /** Failures in a row that take a real server out. With 1, as in the article, a server that flaps changes the table at every check, and a lost packet or two eject it; 3 every second ride out both, and notice a dead server 2 seconds later. Allowed: 1–1000. Default: 1. */
  readonly failurecount?: number;
}

/** Protocol of the service. */
export enum Protocol {
  Tcp = "tcp",
  Udp = "udp",
}

/** The real servers of this service. */
export interface ServiceRealServer {
  /** Name of a real server of the lab. */
  readonly name: string;
  /** Its weight in this service. Allowed: 0–65535. Default: the server's own. */
  readonly weight?: number;
  /** Weight 0, open connections keep running. Default: the server's own. */
  readonly drain?: boolean;
  /** Only the service's port: Direct Routing cannot map ports. Allowed: 1–65535. */
  readonly port?: number;
  /** Connections below which an overloaded server gets new ones again. Allowed: 1–2147483647. */
  readonly lowerThreshold?: number;
  /** Connections above which it gets no new ones. Allowed: 1–2147483647. */
  readonly upperThreshold?: number;
  /** Replaces the check's request for this server; needs receive. */
  readonly request?: string;
  /** Replaces the check's receive for this server; needs request. */
  readonly receive?: string;
}

/** Sorry server, or false for none. */
export interface ServiceSorryServer {
  /** Whether there is one. Default: true. */
  readonly enabled?: boolean;
  /** 127.0.0.1 is the director's own web server, which speaks HTTP only; another address must be on the server segment. Default: 127.0.0.1. */
  readonly address?: string;
  /** The same for clients of IPv6. Default: ::1 beside 127.0.0.1, address6 of a real server beside its address. */
  readonly address6?: string;
  /** Only the service's port: Direct Routing cannot map ports. Allowed: 1–65535. */
  readonly port?: number;
}

/** ldirectord's other options of this service. */
export interface ServiceLdirectord {
  /** Addresses that are told when a real server comes or goes. */
  readonly emailalert?: string[];
  /** Seconds between repeated alerts; 0 = once. Allowed: 0–2147483647. */
  readonly emailalertfreq?: number;
  /** States of the daemon in which alerts are sent. Allowed: `all`, `none`, `starting`, `running`, `stopping`, `reloading`. */
  readonly emailalertstatus?: string[];
  /** Mail server for alerts. Without one the director needs /usr/sbin/sendmail, which the project's own image has not. */
  readonly smtp?: string;
  /** Program on the director, with arguments if you like, run with start or stop when the sorry server comes or goes; ended after checktimeout seconds. */
  readonly fallbackcommand?: string;
  /** Whether stopping the daemon removes this service. With true a restart refuses its clients. Default: ldirectord.cleanstop. */
  readonly cleanstop?: boolean;
  /** File on the director to which each check is logged, in a directory that is there. On a full disk nothing is logged, and checks go on. */
  readonly monitorfile?: string;
  /** Name of the service in alerts. */
  readonly servicename?: string;
  /** Note about the service in alerts. */
  readonly comment?: string;
}

/** More virtual services, or changes to `main`. */
export interface Service {
  /** Name of the service. `main` changes the lab's main service. Default: service1, service2, …. */
  readonly name?: string;
  /** VIP of the service, in vipCidr, in vip6Cidr for a service of IPv6 alone, or in a network of vips. A service that names its VIP is served there alone. Default: vip, and vip6 where there is one. */
  readonly vip?: string;
  /** Port of the service; required but for `main`, or `ports`. Allowed: 1–65535. */
  readonly port?: number;
  /** Instead of `port`: ports that clients use together, which go to one real server while `persistent` lasts, such as [80, 443], [21, 30000-30099] or all. IPVS tells them by a firewall mark, which the director's nftables gives their packets. The first one is checked; a range has nothing that listens by itself. */
  readonly ports?: string[];
  /** The firewall mark of `ports`. Allowed: 1–2147483647. Default: its first port, or 1 for all; the next one that is free. */
  readonly mark?: number;
  /** Protocol of the service. Default: tcp. */
  readonly protocol?: Protocol;
  /** Name of the workload that serves it on the real servers. Default: web over tcp, none over udp. */
  readonly workload?: string;
  /** See `scheduler`. Default: scheduler. */
  readonly scheduler?: Scheduler;
  /** Flags of the scheduler. Allowed: `sh-fallback`, `sh-port`, `mh-fallback`, `mh-port`, `flag-1`, `flag-2`, `flag-3`. Default: none. */
  readonly schedulerFlags?: string[];
  /** Persistence in seconds; 0 = off. Allowed: 0–2678400. Default: 0. */
  readonly persistent?: number;
  /** Granularity of persistence. */
  readonly persistenceNetmask?: string;
  /** The same of clients of IPv6, bits. Allowed: 1–128. Default: 128. */
  readonly persistencePrefix6?: number;
  /** One-packet scheduling, udp only. Default: false. */
  readonly ops?: boolean;
  /** See `quiescent`. Default: quiescent. */
  readonly quiescent?: boolean;
  /** The real servers of this service. Default: all, with their weights. */
  readonly realServers?: ServiceRealServer[];
  /** Sorry server, or false for none. Default: 127.0.0.1 for http and unknown protocols over tcp, else false. */
  readonly sorryServer?: ServiceSorryServer;
  /** See `healthCheck`. Times default to those of the main service. */
  readonly healthCheck?: HealthCheck;
  /** ldirectord's other options of this service. */
  readonly ldirectord?: ServiceLdirectord;
}

/** What the real servers run beside the built-in web server; docs/reference/workloads.md. */
export interface Workload {
  /** Name of the workload. */
  readonly name: string;
  /** Ports that it has to itself, by TCP and UDP: those of its services, and others such as the data ports of FTP. Allowed: 1–65535. Default: those of the services that name it. */
  readonly ports?: number[];
  /** File of a program that is called with start, stop or status on each real server; from the project's directory. */
  readonly script?: string;
  /** Debian packages that are built into the stack's image. */
  readonly packages?: string[];
  /** Whether its script gets a certificate of the lab's own authority (LVS_TLS_CERTIFICATE, LVS_TLS_KEY), which the client and the checks of its services trust. Default: false. */
  readonly tls?: boolean;
  /** For `web` only: file with the certificate of its https services, and those between it and its issuer, in PEM. Default: one of the lab's own authority, which the client trusts. */
  readonly certificate?: string;
  /** For `web` only: file with the certificate's private key, in PEM and without a passphrase. */
  readonly key?: string;
  /** Text files that lie beside the script when it runs; from the project's directory. */
  readonly files?: string[];
}

/** ldirectord's global options. */
export interface Ldirectord {
  /** Reload on every change of the file. A bad file then freezes the checks, so the lab sends HUP itself. Default: false. */
  readonly autoreload?: boolean;
  /** Stay in the foreground, under systemd's supervision. Only true: its unit knows no other way. Default: true. */
  readonly supervised?: boolean;
  /** One process for each virtual service, so that one service's hung checks do not delay another's. Default: true. */
  readonly fork?: boolean;
  /** Whether stopping the daemon empties the table. With true each of its stops, restarts and upgrades refuses all clients, until every server is checked again. Default: false. */
  readonly cleanstop?: boolean;
  /** With true a dead real server stays as it is at a start or reload: with quiescent at weight 0, else out. With false each start and reload first gives every dead real server its weight back, and clients with it. Default: true. */
  readonly readdquiescent?: boolean;
  /** Log file, or the name of a syslog facility; ldirectord reads it and, supervised, does not use it: its log is in the director's journal (journalctl -u lvs-dr-ldirectord). Default: /var/log/ldirectord.log. */
  readonly logfile?: string;
  /** Program on the director that is run when the file has changed; ended after 5 seconds. */
  readonly callback?: string;
  /** Directory on the director whose files force real servers out at their next check: ADDRESS or ADDRESS:PORT. */
  readonly maintenancedir?: string;
  /** Sender of alerts. Default: root at the director's name. */
  readonly emailalertfrom?: string;
  /** Addresses that are told when a real server comes or goes. */
  readonly emailalert?: string[];
  /** Seconds between repeated alerts; 0 = once. Allowed: 0–2147483647. */
  readonly emailalertfreq?: number;
  /** States of the daemon in which alerts are sent. Allowed: `all`, `none`, `starting`, `running`, `stopping`, `reloading`. */
  readonly emailalertstatus?: string[];
  /** Mail server for alerts. Without one the director needs /usr/sbin/sendmail, which the project's own image has not. */
  readonly smtp?: string;
  /** Program on the director, with arguments if you like, run with start or stop when the sorry server comes or goes; ended after checktimeout seconds. */
  readonly fallbackcommand?: string;
}

/** Seconds after which IPVS forgets a connection without traffic (`ipvsadm --set`). */
export interface IpvsTimeouts {
  /** TCP connections that are open. The kernel's own default is 900. One that is idle for longer is forgotten, and its next packet answered by a reset: keep it above the keepalive of what runs over it. Allowed: 1–2678400. Default: 300. */
  readonly tcp?: number;
  /** TCP connections after a FIN. Allowed: 1–2678400. Default: 120. */
  readonly tcpfin?: number;
  /** UDP exchanges. Allowed: 1–2678400. Default: 300. */
  readonly udp?: number;
}

/** What a cluster is made of. Every property is optional: without any it is the article's lab. */
export interface LvsClusterArgs {
  /** libvirt connection; qemu+ssh://USER@HOST:PORT/system?keyfile=/path/to/key builds the lab on another host. Default: qemu:///system. */
  readonly libvirtUri?: string;
  /** Public SSH host key of the other host that libvirtUri names; it must show this one. */
  readonly remoteHostKey?: string;
  /** Hosts whose libvirt has the guests (docs/howto/several-hosts.md), instead of libvirtUri and remoteHostKey. Directors are on different hosts, real servers on one after the other, router and client on the first, unless their `host` says otherwise. Default: the one that libvirtUri names. */
  readonly hosts?: Host[];
  /** kvm, qemu (TCG, slow) or auto: kvm where a probe guest boots with it. Default: auto. */
  readonly accelerator?: Accelerator;
  /** Absolute path of an own cloud image (qcow2 with cloud-init). Default: the image that the project builds. */
  readonly image?: string;
  /** SHA-256 that the file of image must have. */
  readonly imageSha256?: string;
  /** An existing libvirt storage pool. Default: one of the stack's own. */
  readonly pool?: string;
  /** Memory of each guest in MiB. Allowed: 256–65536. Default: 384. */
  readonly memory?: number;
  /** Virtual CPUs of each guest. Allowed: 1–16. Default: 1. */
  readonly vcpus?: number;
  /** Guests that may boot at the same time without KVM. Allowed: 1–64. Default: 6, or 2 with image, whose guests take longer. */
  readonly bootParallel?: number;
  /** Seconds that a guest has to answer SSH. Allowed: 30–3600. Default: 300. */
  readonly bootTimeout?: number;
  /** The client segment. */
  readonly clientNetwork?: ClientNetwork;
  /** The server segment: one layer 2 segment for router, director and real servers. */
  readonly serverNetwork?: ServerNetwork;
  /** The VIPs' network; the router has an address in it on the server segment. The same as serverNetwork.cidr where the VIPs lie among the real servers. A /32 is the VIP alone: the router has a route to it on the server segment. Default: 10.0.0.0/8. */
  readonly vipCidr?: string;
  /** VIPs in other networks than vipCidr and vip6Cidr, each with its network's prefix, such as 203.0.113.10/29 or 2001:db8:2::10/64; a /32 or /128 is the VIP alone, to which the router has a route. The router is in each network, as in vipCidr. `services[].vip` names them. */
  readonly vips?: string[];
  /** The VIPs' network of IPv6; the router has an address in it. The same as serverNetwork.cidr6 where they lie among the real servers. Default: the /64 that vip6 is in. */
  readonly vip6Cidr?: string;
  /** The client guest; false for none: requests are then made from where the program runs. */
  readonly client?: Client;
  /** The router guest between the two segments; false for none: machines have their way to clients by themselves. */
  readonly router?: Router;
  /** The director guest. */
  readonly director?: Director;
  /** Two directors, of which one holds the VIP (docs/explanation/pair.md); `director` is short for a list of one. Its `mode`, `files`, `memory` and `vcpus` are for both. Default: the one that director describes. */
  readonly directors?: PairDirector[];
  /** How two directors share the VIP. */
  readonly highAvailability?: HighAvailability;
  /** Virtual IP of the cluster. Default: host part .100 of vipCidr. */
  readonly vip?: string;
  /** Virtual IP of IPv6. Every service that names no VIP is served there too. Default: host part of vip in vip6Cidr, digit for digit. */
  readonly vip6?: string;
  /** Port of the main service, and of the real servers. Allowed: 1–65535. Default: 80. */
  readonly port?: number;
  /** IPVS scheduler of the main service; twos is refused with the project's own image. Default: wrr. */
  readonly scheduler?: Scheduler;
  /** Flags of the scheduler, such as sh-port. Allowed: `sh-fallback`, `sh-port`, `mh-fallback`, `mh-port`, `flag-1`, `flag-2`, `flag-3`. */
  readonly schedulerFlags?: string[];
  /** Seconds for which a client sticks to one real server; 0 = off, since it hides the weights. Allowed: 0–2678400. Default: 0. */
  readonly persistent?: number;
  /** Clients that share this part of their address stick together. Default: 255.255.255.255. */
  readonly persistenceNetmask?: string;
  /** Clients of IPv6 that share so many bits of their address stick together. Allowed: 1–128. Default: 128. */
  readonly persistencePrefix6?: number;
  /** Number of real servers with names, addresses and weights of their own. Allowed: 1–250. Default: 2. */
  readonly realServerCount?: number;
  /** The real servers one by one, instead of realServerCount. An address that one guest gives up is free for another only at the next `up`, since guests are deleted last: such a change is refused. Default: rs1 with weight 1 and rs2 with weight 3. */
  readonly realServers?: RealServer[];
  /** How the VIP's ARP conflict is solved on the real servers and the router. Default: sysctl. */
  readonly arpStrategy?: ArpStrategy;
  /** Answers while no real server is up (ldirectord's fallback), or false for none. A main service that is udp, or checked by another protocol than http, has none unless an address is set. */
  readonly sorryServer?: SorryServer;
  /** How the main service's real servers are checked; see ldirectord(8). */
  readonly healthCheck?: HealthCheck;
  /** Keep a dead real server with weight 0 instead of removing it. Default: false. */
  readonly quiescent?: boolean;
  /** More virtual services, or changes to `main`. */
  readonly services?: Service[];
  /** What the real servers run beside the built-in web server; docs/reference/workloads.md. */
  readonly workloads?: Workload[];
  /** ldirectord's global options. */
  readonly ldirectord?: Ldirectord;
  /** Seconds after which IPVS forgets a connection without traffic (`ipvsadm --set`). */
  readonly ipvsTimeouts?: IpvsTimeouts;
  /** Seconds that removing a real server waits for its open connections. Allowed: 0–3600. Default: 60. */
  readonly drainTimeout?: number;
}
