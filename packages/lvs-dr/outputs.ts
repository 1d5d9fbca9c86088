/** A guest of the cluster. */
export interface ClusterNode {
  /** router, client, director or realServer. */
  readonly role: string;
  /** IPv4 address on the segment where the host reaches it. */
  readonly address: string;
  /** Of several libvirt hosts the one that it is on. */
  readonly host?: string;
}

/** How a guest is reached by SSH. */
export interface ClusterHost {
  /** Where its SSH server is asked: an IPv4 address, of a machine that exists perhaps a name. */
  readonly address: string;
  /** Who logs in. */
  readonly user: string;
  /** Its public host key, as in known_hosts without the name. */
  readonly hostKey: string;
}

/** What opens the guests. */
export interface ClusterAccess {
  /** The private key that opens every guest: PEM. */
  readonly privateKey: string;
  /** How each guest, or machine, is reached; by name. */
  readonly hosts: { readonly [name: string]: ClusterHost };
}

/** A real server in one service, as the director's kernel has it. */
export interface RealServerHealth {
  /** The real server's name, as in `nodes`. */
  readonly name: string;
  /** Its address (RIP), of the family of the service's VIP. */
  readonly address: string;
  /** Its port: the service's, since Direct Routing maps none; 0 behind a group of ports, each of which stays as it is. */
  readonly port: number;
  /** Weight in the kernel's table; 0 when it is not in it. */
  readonly weight: number;
  /** Weight that the arguments give it in this service, whether or not it is drained. */
  readonly configuredWeight: number;
  /** up, down or drained (weight 0 on purpose: it gets no new connections, and keeps the open ones). */
  readonly state: string;
  /** Connections that the director's kernel counts as established at that moment. */
  readonly activeConnections: number;
  /** Connections that it remembers and does not count as established: TCP that is opened or closed, and all of UDP. */
  readonly inactiveConnections: number;
}

/** A virtual service, as the director's kernel has it. */
export interface ServiceHealth {
  /** The virtual IP that clients ask; a service of both families is two, one with each VIP. */
  readonly vip: string;
  /** The port that clients ask; of a group of ports the one that is checked. */
  readonly port: number;
  /** tcp or udp. */
  readonly protocol: string;
  /** How the kernel chooses a real server for a new connection, as ipvsadm calls it: wrr, wlc …. */
  readonly scheduler: string;
  /** Seconds; absent without persistence. */
  readonly persistent?: number;
  /** Whether the sorry server stands in for the real ones. */
  readonly sorry: boolean;
  /** Its real servers in the order of the arguments, those that are out of the kernel's table too. */
  readonly realServers: RealServerHealth[];
}

/** One of two directors. */
export interface DirectorHealth {
  /** The director's name, as in `nodes`. */
  readonly name: string;
  /** active (it holds the VIPs), standby (it would take them over) or fault (it could not, or cannot be asked). */
  readonly role: string;
  /** Whether the VIPs are on it, so that it receives what clients send. */
  readonly holdsVip: boolean;
}

/** The cluster as the directors' kernels and the client see it. */
export interface ClusterHealth {
  /** healthy, degraded, sorry (the sorry server answers) or down. */
  readonly status: string;
  /** When this was seen: ISO 8601, UTC. */
  readonly observedAt: string;
  /** Digest of the configuration that the guests have. */
  readonly configHash: string;
  /** The virtual services as the director's kernel has them, the main one first and those at vip6 last. */
  readonly services: ServiceHealth[];
  /** The two directors; absent in a cluster with one. */
  readonly directors?: DirectorHealth[];
  /** What keeps the cluster from being healthy, one sentence each; empty when it is. */
  readonly problems: string[];
}
