/** `scripts/lab report`: the lab on one page. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { PROJECT } from "../../model/lab/naming";
import { hostOf } from "../../model/lab/hosts";
import type { Lab } from "../../model/lab/types";
import { hostVersions, imageOf, readDrills, type ReportData } from "../../report/data";
import { renderMermaid } from "../../report/mermaid";
import { pageLab } from "../../report/pageLab";
import { readStatus } from "../../health/status";
import { callersFile } from "../callersFile";
import { StackContext, type StackOptions } from "../stack/context";
import { lastVerify } from "../stack/records";
import { openLab } from "../stack/stackLab";
import { say } from "../terminal";

interface ReportCommandOptions extends StackOptions {
  readonly mermaid?: boolean;
}

async function gather(context: StackContext, stack: string): Promise<ReportData> {
  const [{ lab, status }, { outputs }, versions] = await Promise.all([
    context.withGuests(async (shell, lab: Lab) => ({ lab, status: await readStatus(shell, lab) })),
    context.built(),
    hostVersions(context.backend.engine),
  ]);
  const [director] = lab.directors;
  const { name } = hostOf(lab, director);
  const { virsh } = context.hosts.find((host) => host.name === name) ?? context;
  const domain = await virsh.run("dumpxml", director.domain).catch(() => "");
  return {
    generatedAt: new Date().toISOString(),
    stack,
    configHash: lab.configHash,
    image: imageOf(outputs.imageDigest, domain),
    versions,
    lab: pageLab(lab),
    status,
    verify: lastVerify(context.directory) ?? null,
    ...readDrills(context.directory),
  };
}

/** @param command `report` with the options that every stack's command has */
export function addReportCommand(command: Command): void {
  command
    .argument("[file]", "the page to write; without it only --mermaid makes sense")
    .option("--mermaid", "print the topology as Mermaid; needs no running lab")
    .action(async (file: string | undefined, options: ReportCommandOptions) => {
      if (options.mermaid) process.stdout.write(renderMermaid(openLab(PROJECT, options)));
      if (file === undefined) {
        if (!options.mermaid)
          throw new Error("usage: scripts/lab report FILE.html, or scripts/lab report --mermaid");
        return;
      }
      // The plotting library is large: no other command waits for it.
      const { renderPage } = await import("../../report/page");
      const data = await gather(new StackContext(options), options.stack);
      writeFileSync(callersFile(file), renderPage(data));
      say(
        `${file}: ${data.status.status}, ${data.verify?.passed ?? 0} checks passed, ${data.drills.length} drills`,
      );
    });
}
