import * as fs from "node:fs";
import * as path from "node:path";
import { controlName, openedBy, pinned } from "../../lib/sshHop";

/** Input `connection` of command.remote.Command. */
export interface Connection {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  /** Without one the agent's keys are tried, as with the real provider. */
  readonly privateKey?: string;
  /** Public host key, "ssh-ed25519 AAAA…"; without it any host is believed, as with the real provider. */
  readonly hostKey?: string;
  readonly dialErrorLimit?: number;
  /** Seconds for one attempt; 0 means no limit. */
  readonly perDialTimeout?: number;
  readonly proxy?: Connection;
}

const DEFAULT_PER_DIAL_TIMEOUT_S = 15;
/** A connection that is silent for this long is dead: SERVER_ALIVE_S × SERVER_ALIVE_COUNT seconds. */
const SERVER_ALIVE_S = 15;
const SERVER_ALIVE_COUNT = 4;

/**
 * A configuration file for ssh that uses nothing of the user's own, with key and pinned host key in files beside it:
 * neither secrets nor addresses are on a command line. Hosts are called "target" and "proxy".
 */
export function sshConfig(connection: Connection, directory: string, sendEnv: readonly string[]): string {
  const lines = hostBlock("target", connection, directory);
  // The log says whether a connection stood and with what the command ended; it goes to a file, not into stderr.
  lines.push("  LogLevel DEBUG1", ...sendEnv.map((name) => `  SendEnv ${word(name, "environment")}`));
  if (!connection.proxy) return `${[...lines, ...sharedLines(connection)].join("\n")}\n`;
  lines.push(`  ProxyCommand ssh -F '${directory}/config' -E '${directory}/proxy.log' -W %h:%p proxy`);
  return `${[...lines, ...hostBlock("proxy", connection.proxy, directory)].join("\n")}\n`;
}

/**
 * Leaves the connection to those who come after, in the directory that LVS_DR_CONNECTIONS names: a login costs a guest without KVM 0.4 s
 * of a processor. It is always a new one, since an old one may lead to a guest that is no more.
 */
function sharedLines({ host, port }: Connection): string[] {
  const directory = process.env.LVS_DR_CONNECTIONS;
  if (directory === undefined) return [];
  return [
    "  ControlMaster yes",
    `  ControlPath "${directory}/${controlName(host, port)}"`,
    "  ControlPersist 600",
  ];
}

function hostBlock(name: string, connection: Connection, directory: string): string[] {
  const { privateKey, hostKey, perDialTimeout: timeout = DEFAULT_PER_DIAL_TIMEOUT_S } = connection;
  /** A private file beside the configuration. */
  const file = (suffix: string, content: string): string => {
    const target = path.join(directory, `${name}.${suffix}`);
    fs.writeFileSync(target, `${content.trimEnd()}\n`, { mode: 0o600 });
    return target;
  };
  for (const unsupported of ["password", "privateKeyPassword", "agentSocketPath"]) {
    if (unsupported in connection)
      throw new Error(
        `connection.${unsupported} is not supported by the embedded engine: use an unencrypted privateKey`,
      );
  }
  const options: Record<string, string | number> = {
    HostName: word(connection.host, "host"),
    Port: connection.port ?? 22,
    User: word(connection.user ?? "root", "user"),
    BatchMode: "yes",
    PreferredAuthentications: "publickey",
    // Without a key of its own those of the agent are tried, but not the user's.
    ...(privateKey
      ? { ...openedBy(file("key", privateKey)), IdentityAgent: "none" }
      : { IdentityFile: "none" }),
    ...(hostKey === undefined
      ? { StrictHostKeyChecking: "no", UserKnownHostsFile: "/dev/null", GlobalKnownHostsFile: "/dev/null" }
      : pinned(hostKey.trim(), name, file("known_hosts", `${name} ${publicKey(hostKey)}`))),
    UpdateHostKeys: "no",
    ...(timeout > 0 && { ConnectTimeout: timeout }),
    ServerAliveInterval: SERVER_ALIVE_S,
    ServerAliveCountMax: SERVER_ALIVE_COUNT,
    ForwardAgent: "no",
    ForwardX11: "no",
  };
  return [`Host ${name}`, ...Object.entries(options).map(([key, value]) => `  ${key} "${value}"`)];
}

/** Without its comment. */
function publicKey(hostKey: string): string {
  const [type = "", key = ""] = hostKey.trim().split(/\s+/);
  if (!/^[a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/=]+$/.test(key))
    throw new Error('connection.hostKey is not a public key such as "ssh-ed25519 AAAA…"');
  return `${type} ${key}`;
}

/** Refuses what would break out of its line in the file. */
function word(text: string, what: string): string {
  if (!/^[\w.:@+-]+$/.test(text))
    throw new Error(`connection.${what} has characters that cannot be in one: ${JSON.stringify(text)}`);
  return text;
}
