/** The way to guests of another host. */
import { shellQuote } from "./text";

/** A host through which the guests are reached. */
export interface Hop {
  readonly host: string;
  readonly user: string;
  readonly port: number;
  /** The only one that is accepted; the user's known_hosts vouches without it. */
  readonly hostKey?: string;
  /** The private key's file; the agent's keys without it. */
  readonly keyFile?: string;
}

/** The host that the program runs on: no node can be called so. */
export const HERE = "host";

/** Under which a hop's key is filed: no node can be called so. */
export const hopKey = ({ host, port }: Hop): string => `${HERE}-${host}-${port}`;

/** ssh's options for a machine that must show this public key, which a file has under an alias, whatever the address. */
export const pinned = (hostKey: string, alias: string, knownHosts: string): Record<string, string> => ({
  UserKnownHostsFile: knownHosts,
  GlobalKnownHostsFile: "/dev/null",
  HostKeyAlias: alias,
  HostKeyAlgorithms: hostKey.split(" ")[0] ?? "",
  StrictHostKeyChecking: "yes",
});

/** ssh's options for a machine that this private key opens, and no other. */
export const openedBy = (keyFile: string): Record<string, string> => ({
  IdentityFile: keyFile,
  IdentitiesOnly: "yes",
});

/** How ssh gets through it: each word quoted for the shell that runs it. */
export function proxyCommand(hop: Hop, knownHosts: string): string {
  const { host, user, port, hostKey, keyFile } = hop;
  const options: Record<string, string> = {
    BatchMode: "yes",
    LogLevel: "ERROR",
    // Else the agent's keys and the user's own open it, and the user's known_hosts vouches for it.
    ...(keyFile !== undefined && openedBy(keyFile)),
    ...(hostKey !== undefined && pinned(hostKey, hopKey(hop), knownHosts)),
  };
  const words = [
    ...["ssh", "-F", "none", "-p", String(port), "-l", user],
    ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    // A per cent sign is ssh's own here.
    ...["-W", "[%h]:%p", host],
  ];
  return words.map((word) => (word === "[%h]:%p" ? word : shellQuote(word.replaceAll("%", "%%")))).join(" ");
}

/** Name of a kept connection's socket. */
export const controlName = (address: string, port = 22): string =>
  `${address}${port === 22 ? "" : `-${port}`}.ctl`;
