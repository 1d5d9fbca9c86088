/** `scripts/lab import`: a stack's file from a configuration that is in use somewhere. */
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { Document } from "yaml";
import { removeDirectory, writeAtomically } from "../../lib/files";
import { exec } from "../../lib/process";
import { scriptPath } from "../../lib/scripts";
import { readTextFile } from "../../lib/textFile";
import { readKeepalivedConf } from "../../model/import/keepalivedConf";
import type { Include } from "../../model/import/keepalivedLexer";
import { readLdirectordCf, type ParsedCf } from "../../model/import/ldirectordCf";
import { isReal } from "../../model/import/networks";
import { importStack, leftText, NothingToImport, type Imported, type Marks } from "../../model/import/stack";
import { lineKey, type Source } from "../../model/import/source";
import { Address } from "../../model/lab/address";
import { PROJECT } from "../../model/lab/naming";
import { readPorts } from "../../model/lab/ports";
import { serviceKey } from "../../model/lab/target";
import { callersFile } from "../callersFile";
import { stackFile } from "../stack/stackFile";
import { printJson, say } from "../terminal";

/** Of a file, in bytes. */
const LONGEST = 1024 * 1024;
const LDIRECTORD = process.env.LDIRECTORD ?? "/usr/sbin/ldirectord";

interface ImportOptions {
  readonly stack: string;
  readonly configFile?: string;
  readonly mark: Marks;
  readonly json?: boolean;
}

/** What ldirectord's own parser makes of it, in a directory of ours alone. */
export async function parseCf(text: string): Promise<ParsedCf> {
  if (!existsSync(LDIRECTORD))
    throw new Error(`${LDIRECTORD} is not there, whose parser reads the file: apt-get install ldirectord`);
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-import."));
  try {
    const file = join(directory, "import.cf");
    writeFileSync(file, text);
    // With -d it takes this one, and would else need the real one installed.
    writeFileSync(join(directory, "ipvsadm"), "");
    const modules = { PERL5LIB: scriptPath("host/ldirectord-dry-run"), PERL5OPT: "-MParsed -MDryRun" };
    const env = { ...process.env, ...modules, PERLIO: "perlio", HOSTNAME: "director" };
    const { code, stdout, stderr } = await exec(LDIRECTORD, ["-d", file, "start"], { cwd: directory, env });
    if (code !== 0) throw new Error(`ldirectord's parser ended with status ${code}: ${stderr.trim()}`);
    return JSON.parse(stdout) as ParsedCf;
  } finally {
    removeDirectory(directory);
  }
}

/** Files that keepalived would include, in their order; those that are not there, or no texts, are none. @param root the first file's path */
const including =
  (root: string): Include =>
  (pattern, from) => {
    const path = resolve(dirname(from ?? root), pattern);
    const parts = basename(path)
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".");
    const names = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
    return names
      .filter((name) => new RegExp(`^${parts}$`).test(name))
      .sort()
      .flatMap((name) => {
        const file = join(dirname(path), name);
        const read = readTextFile(file, LONGEST);
        if ("fault" in read) return [];
        return [{ ...(file !== root && { file }), text: read.text }];
      });
  };

/** ldirectord.cf has options with a "=" where the other has blocks in braces, and includes nothing. */
const isKeepalived = (text: string): boolean => /^\s*(include[rmwba]?\s|[^#!=]*\{)/m.test(text);

const table = (imported: Imported): string[] =>
  imported.mapped.map(({ what, from, to }) => `${what}: ${from} is ${to} in the lab`);

/** The stack's file, with what is other than in its source. @param path the source's */
function render(path: string, imported: Imported): string {
  const [from, source] = [dirname(path), basename(path)];
  const keys = Object.entries(imported.config).map(([key, value]) => [`${PROJECT}:${key}`, value]);
  // By whose rules a bare `on` is a truth value: it is quoted.
  const document = new Document({ config: Object.fromEntries(keys) as unknown }, { schema: "yaml-1.1" });
  const { left, paired, chosen, needs } = imported;
  const part = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  document.commentBefore = [
    `Imported from ${source} by \`scripts/lab import\`.`,
    ...part("Addresses that are others:", table(imported)),
    ...part("Taken for one machine's, which the file does not say:", paired),
    ...part("Chosen by the lab, which the file does not say:", chosen),
    ...part(
      "Not taken over, or not as it stands:",
      left.map((each) =>
        leftText(each.file === undefined ? each : { ...each, file: relative(from, each.file) }),
      ),
    ),
    ...part("To be added:", needs),
  ]
    .map((line) => ` ${line}`)
    .join("\n");
  return `# yaml-language-server: $schema=schema/Pulumi.stack.schema.json\n${document.toString({ lineWidth: 0, flowCollectionPadding: true })}`;
}

function readMark(text: string, marks: Marks): Marks {
  const [, mark = "", vip = "", list = ""] = /^([1-9]\d*)=(\[[^\]]+\]|[^:[]+):(.+)$/.exec(text) ?? [];
  const address = Address.read(vip.replace(/^\[(.*)\]$/, "$1"));
  const ports = list === "all" ? "all" : list.split(",").flatMap((each) => readPorts(each) ?? []);
  const isGood =
    address !== undefined &&
    Number(mark) <= 0xffffffff &&
    vip.startsWith("[") === (address.family === 6) &&
    isReal(String(address));
  if (!isGood || (ports !== "all" && ports.length !== list.split(",").length))
    throw new InvalidArgumentError(
      "write MARK=VIP:PORTS, such as 1=10.0.0.100:80,443, 2=10.0.0.101:all or 1=[fd00:10::100]:80,443",
    );
  const key = serviceKey({ mark: Number(mark), family: address.family });
  if (marks.has(key))
    throw new InvalidArgumentError(`mark ${mark} has been said already: name all of its ports at once`);
  return new Map([...marks, [key, { vip: String(address), ports }]]);
}

/** A slip of the pen, which nothing would show: the mark's service is left out, or there is none. */
function refuseUnknown(marks: Marks, { services }: Source): void {
  const known = services.flatMap((each) =>
    each.mark === undefined ? [] : serviceKey({ ...each, mark: each.mark }),
  );
  const title = (key: string): string => key.replace("fwm ", "mark ").replace(" -6", " in IPv6");
  const has =
    known.length > 0 ? `it has ${[...new Set(known)].map(title).join(", ")}` : "it has none by mark";
  for (const key of marks.keys())
    if (!known.includes(key)) throw new Error(`--mark: the file has no service by ${title(key)}: ${has}`);
}

/** With --json what is left is told there too when nothing can be taken over. */
function importOr(source: Source, stack: string, mark: Marks, json: boolean | undefined): Imported {
  try {
    return importStack(source, { project: PROJECT, stack }, mark);
  } catch (error) {
    if (json && error instanceof NothingToImport)
      printJson({ stack, taken: [], left: error.left, mapped: [], paired: [], chosen: [], needs: [] });
    throw error;
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "its directory is not there",
  ENOTDIR: "its directory is not one",
  EROFS: "the file system is read-only",
  EACCES: "its directory is not yours to write",
  ENOSPC: "the file system is full",
};

function write(target: string, text: string): void {
  try {
    writeAtomically(target, text);
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new Error(`${target} cannot be written: ${FAULTS[code] ?? code}`, { cause: error });
  }
}

function nonEmpty(name: string): string {
  if (name === "") throw new InvalidArgumentError("name a file");
  return name;
}

async function run(file: string, { stack, configFile, mark, json }: ImportOptions): Promise<void> {
  const target = configFile ?? stackFile(stack);
  if (existsSync(target))
    throw new Error(`${target} is there already: name another one by --stack or --config-file, or remove it`);
  const read = readTextFile(callersFile(file), LONGEST);
  if ("fault" in read) throw new Error(`${file} ${read.fault}`);
  if (read.text.charCodeAt(0) === 0xfeff)
    throw new Error(
      `${file} begins with a byte order mark, with which neither program knows its first line: save it without`,
    );
  const source = isKeepalived(read.text)
    ? readKeepalivedConf(read.text, including(callersFile(file)))
    : readLdirectordCf(read.text, await parseCf(read.text));
  refuseUnknown(mark, source);
  const imported = importOr(source, stack, mark, json);
  write(target, render(callersFile(file), imported));
  const { taken, left, mapped, paired, chosen, needs } = imported;
  const taking = paired.map((each) => `${each} are taken for one machine's`);
  const choices = chosen.map((each) => `${each}: the lab's choice`);
  for (const line of [...left.map(leftText), ...table(imported), ...taking, ...choices, ...needs]) say(line);
  const named = configFile === undefined ? "" : ` --config-file ${configFile}`;
  // A line may have several reasons.
  const others = new Set(left.map(lineKey)).size;
  say(
    `${target}: ${taken.length} ${taken.length === 1 ? "line" : "lines"} taken over, ${others} left or changed; next: scripts/lab preview --stack ${stack}${named}`,
  );
  if (json) printJson({ file: target, stack, taken, left, mapped, paired, chosen, needs });
}

/** @param command `import` with the option --stack */
export function addImportCommand(command: Command): void {
  command
    .argument("<file>", "an ldirectord.cf or a keepalived.conf", nonEmpty)
    .option("--config-file <file>", "write it, not Pulumi.STACK.yaml", (name) => callersFile(nonEmpty(name)))
    .option(
      "--mark <mark=vip:ports>",
      "what bears a firewall mark, which neither file says",
      readMark,
      new Map(),
    )
    .option("--json", "one JSON value")
    .action(run);
}
