/** What a guest is sent: one script with its settings, installed and run. */
import { shellQuote } from "../../lib/text";

export type Settings = Readonly<Record<string, string>>;

/** One script: the settings as read-only variables, then the files in their order. */
export function renderPayload(settings: Settings, files: readonly string[]): string {
  const prelude = Object.entries(settings).map(([name, value]) => `readonly ${name}=${shellQuote(value)}`);
  return [
    "#!/usr/bin/env bash",
    "# Written by the lab; its next change overwrites this file.",
    ...prelude,
    ...files,
  ].join("\n");
}

/** Where a guest keeps its payload, to run it again at every boot. */
export const PAYLOAD = "/usr/local/sbin/lvs-dr";

/** Starts a systemd unit unless it runs, also one that has failed too often. */
export const startUnit = (unit: string): string =>
  `systemctl reset-failed ${unit} 2>/dev/null || true; systemctl is-active -q ${unit} || systemctl start ${unit}`;

/** Takes that role from a machine, and all that was put there; nothing of another one that it has been given meanwhile. */
export const removeRole = (role: string): string =>
  `[ ! -e /var/lib/lvs-dr ] || ${PAYLOAD} remove ${shellQuote(role)}`;

/** Takes whichever role of that stack it has; prints `ended` where there was anything left of it. */
export const removeOf = (stack: string): string =>
  `[ "$(cat /var/lib/lvs-dr/owner 2>/dev/null)" != ${shellQuote(stack)} ] || { ${PAYLOAD} remove all && echo ended; }`;

/** Whether a shell's exit status says that there is none that could be run. */
export const isPayloadGone = (status: number | null): boolean => status === 126 || status === 127;

/**
 * Longest `start`, seconds, where its settings name no other (LVS_RUN_LIMIT): session.Run of the provider cannot be cancelled.
 * scripts/guest/common.sh knows it too.
 */
export const RUN_LIMIT = 300;

/**
 * Has the payload on its stdin install itself and start: the old one is there until the new one is whole and has been found good, and is
 * back when the new one fails. On stdin, because a failure prints the command string. Under a name of its own, because an earlier
 * run may still be at it. Root's alone: a check's password is in the director's.
 */
export const INSTALL_AND_START = [
  "umask 022",
  `p=$(mktemp ${PAYLOAD}.XXXXXX)`,
  '{ cat > "$p" && bash -n "$p" && chmod 0700 "$p" && "$p" install || { s=$?; rm -f "$p"; exit $s; }; }',
].join(" && ");
