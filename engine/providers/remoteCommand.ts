import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dialPauses } from "../../lib/dialling";
import { removeDirectory } from "../../lib/files";
import type { ExecResult } from "../../lib/process";
import { commandProvider, running } from "./command";
import { sshConfig, type Connection } from "./sshConfig";
import type { Context } from "./provider";

/** ssh's exit status for its own failures; a command may end with it too, hence the look at the log. */
const SSH_FAILED = 255;
const DEFAULT_DIAL_ERROR_LIMIT = 10;

/** ssh's own logs of one attempt, of the connection itself and of the one to the proxy. */
const LOGS = ["log", "proxy.log"];
const NOT_A_REASON = /^debug\d:|^Authenticated to |^Transferred: |^Bytes per second: |^OpenSSH_/;

/** Trying again cannot help: the machine that answers is not the one that was pinned. */
const WRONG_HOST =
  /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|no matching host key type/;

/** command.remote.Command */
export const remoteCommand = commandProvider(
  running(async (command, inputs, { env, onLine, ...options }, context) => {
    const connection = inputs.connection as unknown as Connection;
    const directory = fs.mkdtempSync(path.join(context.scratch, "ssh-"));
    let dialling = true;
    try {
      const config = sshConfig(connection, directory, Object.keys(env));
      fs.writeFileSync(path.join(directory, "config"), config, { mode: 0o600 });
      const args = ["-F", `${directory}/config`, "-E", `${directory}/log`, "-T", "target", "--", command];
      return await dial(connection, context, directory, () =>
        context.exec("ssh", args, {
          ...options,
          env: { ...process.env, ...env },
          onLine: (line, stream) => {
            // It has begun: what the last attempt said is of no interest any more.
            if (dialling) context.status("");
            dialling = false;
            onLine(line, stream);
          },
        }),
      );
    } finally {
      removeDirectory(directory);
    }
  }),
);

/**
 * Tries until a connection stands; a command that has begun is never repeated.
 * @throws with the last reason when it has tried as long as the real provider would for `dialErrorLimit` failures, at once
 *   for a wrong host key
 */
async function dial(
  connection: Connection,
  context: Context,
  directory: string,
  attempt: () => Promise<ExecResult>,
): Promise<ExecResult> {
  const pauses = dialPauses(connection.dialErrorLimit ?? DEFAULT_DIAL_ERROR_LIMIT);
  for (let failures = 1; ; failures += 1) {
    for (const log of LOGS) fs.writeFileSync(path.join(directory, log), "", { mode: 0o600 });
    const result = await attempt();
    if (result.code !== SSH_FAILED) return result;
    const [log = "", proxyLog = ""] = LOGS.map((name) => fs.readFileSync(path.join(directory, name), "utf8"));
    if (/Exit status 255|rtype exit-status/.test(log)) return result;
    const reason = lastLine(proxyLog) ?? lastLine(log) ?? lastLine(result.stderr) ?? "ssh gave no reason";
    if (log.includes("Authenticated to "))
      throw new Error(`connection to ${connection.host} lost: ${reason}`);
    if (WRONG_HOST.test(log + proxyLog)) {
      throw new Error(
        `${WRONG_HOST.test(proxyLog) ? (connection.proxy?.host ?? "proxy") : connection.host} shows another host key ` +
          "than the one pinned for it: refused. Either another machine has its address, or it was reinstalled outside this stack",
      );
    }
    const { value: pause, done } = pauses.next();
    if (done) {
      throw new Error(`cannot reach ${connection.host} by SSH after ${failures} attempts: ${reason}`);
    }
    context.status(`last attempt: ${reason}`);
    await sleep(pause, undefined, { signal: context.signal }).catch(() => {
      throw new Error(`cannot reach ${connection.host} by SSH, last error: ${reason}`);
    });
  }
}

function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !NOT_A_REASON.test(line))
    .pop();
}
