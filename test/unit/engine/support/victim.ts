/** An engine for `kill -9`: runs a Pulumi program that never ends, and a command with a process of its own. */
import { exec } from "../../../../lib/process";
import { hostProgram } from "../../../../engine/program";

const [projectDir = ""] = process.argv.slice(2);
const report = (line: string): void => void process.stdout.write(`${line}\n`);
const unused = (): never => {
  throw new Error("the program registers nothing");
};

void hostProgram(
  {
    projectDir,
    main: ".",
    project: "p",
    stack: "dev",
    preview: true,
    config: {},

    onLine: report,
    signal: new AbortController().signal,
  },
  { register: unused, setOutputs: unused, invoke: unused, log: unused },
);
// The second reads no input and writes no output: it would notice nothing of an engine that has gone.
const COMMAND = "sleep 60 </dev/null >/dev/null 2>&1 & echo $$; echo $!; wait";
void exec("sh", ["-c", COMMAND], { onLine: report });
