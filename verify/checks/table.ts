/** The kernel's table on the director: the services as configured, every real server by Route, the sorry server out. */
import { ipvsRestoreRules, parseIpvsSave, serverKey } from "../../model/director/ipvs/table";
import { serviceKey } from "../../model/lab/target";
import { compareWithLab, isSorry } from "../../model/director/ipvs/compare";
import type { Lab } from "../../model/lab/types";
import { judge, skipped, type CheckContext, type Finding, type Probe } from "./check";

export function judgeTable(lab: Lab, save: string): Finding[] {
  const where = lab.directors[0].name;
  const command = "ipvsadm -Sn";
  const expected = ipvsRestoreRules(lab).join("\n");
  const table = parseIpvsSave(save);
  const standIns = lab.services.flatMap((service) => {
    const entry = table.find((each) => serviceKey(each) === serviceKey(service));
    const sorry = entry?.servers.find((server) => isSorry(service, server));
    return sorry === undefined ? [] : [`${serverKey(sorry)} in ${serviceKey(service)}`];
  });
  const differences = compareWithLab(lab, table).map(({ text }) => text);
  return [
    judge(
      "table.servers",
      "the kernel's table is the configured one: schedulers, real servers by Route, weights",
      differences.length === 0,
      {
        where,
        command,
        seen: differences.length === 0 ? save.trim() : `${differences.join("; ")}\n${save.trim()}`,
        expected,
      },
      "scripts/lab verify diagnosis tells which of the path's parts fails; the journal of the daemon that checks has its view",
    ),
    lab.services.every(({ sorry }) => sorry === undefined)
      ? skipped("table.sorry", "the sorry server is out", "this lab has no sorry server")
      : judge(
          "table.sorry",
          "the sorry server is out while real servers are up",
          standIns.length === 0,
          { where, command, seen: standIns.join("; ") || "not in the table", expected: "not in the table" },
          "no real server passed its check: scripts/lab verify diagnosis",
        ),
  ];
}

async function look({ lab, shell }: CheckContext): Promise<Finding[]> {
  const { code, stdout, stderr } = await shell.run(lab.directors[0].name, "ipvsadm -Sn");
  if (code !== 0) throw new Error(`${lab.directors[0].name}: ipvsadm -Sn: ${stderr}`);
  return judgeTable(lab, stdout);
}

export const tableProbe: Probe = { group: "table", look };
