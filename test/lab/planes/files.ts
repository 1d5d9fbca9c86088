/** What a director of each plane has on its disk, by the project's own code. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { perlServices } from "../../../model/director/checkServices";
import { planeSettings } from "../../../model/director/controlPlane";
import { renderPayload } from "../../../model/guest/script";
import { guestSettings } from "../../../model/guest/settings";
import type { Lab } from "../../../model/lab/types";

const SCRIPTS = join(__dirname, "../../../scripts");
const read = (name: string): string => readFileSync(join(SCRIPTS, name), "utf8");

/** Of every director with ldirectord. */
export const MODULE = (): string => read("guest/ldirectord/Ldirectord.pm") + perlServices();

/** The unit's text: nothing is written, and what else its function does to the machine is left out. */
const UNIT = `source <(grep -v '^dispatch ' "$1")
unit() { cat; }; systemctl() { :; }; ln() { :; }
"$2"`;

/**
 * The guest's own scripts, as far as a unit calls them: a whole payload takes an emulated guest too long to read.
 * @param plane what belongs to it alone
 */
function payload(lab: Lab, plane: string): string {
  const { LVS_ROLE = "", LVS_NODE = "", LVS_TABLE = "" } = guestSettings(lab, lab.directors[0]);
  const settings = { ...planeSettings(lab), LVS_ROLE, LVS_NODE, LVS_TABLE, TABLE_UNIT: "" };
  const table = /^table\(\) .*$/m.exec(read("guest/director.sh"))?.[0] ?? "";
  return renderPayload({ ...settings, LVS_TABLE_PROGRAM: read("guest/ipvsTable.pl") }, [
    read("guest/common.sh"),
    read(`guest/${plane}`),
    table,
    'dispatch "$@"',
  ]);
}

/** @param found rules of the table that the daemon finds */
export function writeFiles(directory: string, lab: Lab, found: readonly string[]): void {
  const settings = planeSettings(lab);
  const write = (name: string, text = "", mode = 0o600): string => {
    const file = join(directory, lab.mode, name);
    mkdirSync(dirname(file), { recursive: true });
    if (text !== "") writeFileSync(file, text, { mode });
    return file;
  };
  write("found", `${found.join("\n")}\n`);
  write("ha.d/ldirectord.cf", settings.LVS_LDIRECTORD_CF);
  write("lvs-dr/tls.json", settings.LVS_LDIRECTORD_TLS);
  write("lvs-dr/keepalived.conf", settings.LVS_CHECKERS_CONF);
  const [plane, name] =
    lab.mode === "keepalived"
      ? ["keepalived.sh", "keepalived_unit"]
      : ["planes/ldirectord.sh", "daemon_unit"];
  const script = write("lvs-dr/payload", payload(lab, plane), 0o700);
  write("unit", execFileSync("bash", ["-c", UNIT, "bash", script, name], { encoding: "utf8" }));
}
