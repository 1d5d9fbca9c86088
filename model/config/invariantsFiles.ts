/** The director's own files: of names of their own, and there wherever one of them is named. */
import { posix } from "node:path";
import { DIRECTOR_FILES } from "../lab/directorFiles";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { nearest, type Refusal } from "./refusal";
import type { Config } from "./schema";
import { reporter, servicePlaces } from "./servicePlaces";
import { baseName, checkFileNames, checkText, type ReadText } from "./textFiles";

const FILES = "director.files";

/** What names a program on the director. */
interface Named {
  /** Its path, which arguments may follow. */
  readonly command: string;
  /** Else the daemon reads it as Perl code. */
  readonly isRun: boolean;
  readonly report: (problem: Omit<Refusal, "key">) => void;
}

const pathIn = ({ command }: Named): string => command.split(" ", 1)[0] ?? "";

export function checkDirectorFiles(findings: Findings, config: Config, draft: Draft, read: ReadText): void {
  const { files } = config.director;
  const programs = namedPrograms(findings, config, draft);
  checkFileNames(findings, FILES, files);
  for (const named of programs) checkBrought(named, files);
  const run = new Set(programs.filter(({ isRun }) => isRun).map(pathIn));
  files.forEach((path, place) =>
    checkText(findings, read, {
      key: `${FILES}[${place}]`,
      path,
      isRun: run.has(DIRECTOR_FILES + baseName(path)),
    }),
  );
}

function namedPrograms(findings: Findings, config: Config, draft: Draft): Named[] {
  const ofChecks = servicePlaces(config, draft).flatMap((place): Named[] => {
    const { checktype, checkcommand: command } = place.service.check;
    if (command === undefined || !(checktype === "external" || checktype === "external-perl")) return [];
    const report: Named["report"] = (problem) =>
      reporter(findings, config, place)(
        "healthCheck.checkcommand",
        problem,
        ["healthCheck.checktype"],
        [FILES],
      );
    return [{ command, isRun: checktype === "external", report }];
  });
  // Refused already: keepalived has none of ldirectord's options.
  if (draft.mode === "keepalived") return ofChecks;
  const { callback, fallbackcommand } = config.ldirectord;
  const ofDaemon = [
    { key: "ldirectord.callback", command: callback },
    { key: "ldirectord.fallbackcommand", command: fallbackcommand },
    ...config.services.map(({ ldirectord }, index) => ({
      key: `services[${index}].ldirectord.fallbackcommand`,
      command: ldirectord.fallbackcommand,
    })),
  ].flatMap(({ key, command }): Named[] => {
    const report: Named["report"] = (problem) => findings.add({ key, ...problem }, FILES);
    return command === undefined ? [] : [{ command, isRun: true, report }];
  });
  return [...ofChecks, ...ofDaemon];
}

/** A path among the director's files must be that of one of them. */
function checkBrought(named: Named, files: readonly string[]): void {
  const path = pathIn(named);
  const names = files.map(baseName);
  const meant = posix.normalize(path);
  if (!`${meant}/`.startsWith(DIRECTOR_FILES) || names.some((name) => path === DIRECTOR_FILES + name)) return;
  const near = nearest(baseName(meant), names);
  const fix = near === undefined ? `list a file of that name in ${FILES}` : `write ${DIRECTOR_FILES}${near}`;
  named.report({ value: named.command, message: `is not brought by ${FILES}`, fix });
}
