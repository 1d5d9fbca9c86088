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
  readonly address: string;
  readonly user: string;
  /** Its public host key, as in known_hosts without the name. */
  readonly hostKey: string;
}

/** What opens the guests. */
export interface ClusterAccess {
  /** PEM; for every guest. */
  readonly privateKey: string;
  /** By guest. */
  readonly hosts: { readonly [name: string]: ClusterHost };
}

/** A real server in one service, as the director's kernel has it. */
export interface RealServerHealth {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Weight in the kernel's table; 0 when it is not in it. */
  readonly weight: number;
  readonly configuredWeight: number;
  /** up, down or drained. */
  readonly state: string;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

/** A virtual service, as the director's kernel has it. */
export interface ServiceHealth {
  readonly vip: string;
  readonly port: number;
  readonly protocol: string;
  readonly scheduler: string;
  /** Seconds; absent without persistence. */
  readonly persistent?: number;
  /** Whether the sorry server stands in for the real ones. */
  readonly sorry: boolean;
  readonly realServers: RealServerHealth[];
}

/** One of two directors. */
export interface DirectorHealth {
  readonly name: string;
  /** active, standby or fault. */
  readonly role: string;
  readonly holdsVip: boolean;
}

/** The cluster as the directors' kernels and the client see it. */
export interface ClusterHealth {
  /** healthy, degraded, sorry (the sorry server answers) or down. */
  readonly status: string;
  /** ISO 8601, UTC. */
  readonly observedAt: string;
  /** Digest of the configuration that the guests have. */
  readonly configHash: string;
  readonly services: ServiceHealth[];
  /** Of a cluster with two. */
  readonly directors?: DirectorHealth[];
  /** What keeps the cluster from being healthy, one sentence each; empty when it is. */
  readonly problems: string[];
}
