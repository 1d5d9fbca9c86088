/** All that the report shows, as one value: the page carries it too, so that a program can read what people see. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "../lib/process";
import { TRIED } from "../drills/resultStore";
import type { DrillResult, DrillTried } from "../drills/types";
import type { Status } from "../health/status";
import type { VerifyReport } from "../verify/verify";
import type { PageLab } from "./pageLab";

/** What the guests run on. */
export interface ImageInfo {
  /** The stack's output: "sha256:…" of the disk that the guests lie on. */
  readonly digest: string;
  /** From here on: of an image that this project built, and that is still there as it was. */
  readonly built?: string;
  readonly kernel?: string;
  /** Versions of the packages that matter. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface ReportData {
  /** ISO 8601, UTC. */
  readonly generatedAt: string;
  readonly stack: string;
  readonly configHash: string;
  readonly image: ImageInfo | null;
  /** Of this project and what it runs on, on the host. */
  readonly versions: Readonly<Record<string, string>>;
  readonly lab: PageLab;
  readonly status: Status;
  /** The last whole verify of this stack; null before the first. */
  readonly verify: VerifyReport | null;
  readonly drills: readonly DrillResult[];
  /** Drills that were refused or cut off, and have had no result since. */
  readonly tried: readonly DrillTried[];
}

const PACKAGES = ["ldirectord", "ipvsadm", "nginx", "systemd", "keepalived"];

interface Manifest {
  readonly digest: string;
  readonly built?: string;
  readonly kernel?: string;
  readonly packages?: Readonly<Record<string, string>>;
}

/**
 * @param digest output `imageDigest`; null without one
 * @param domainXml of any guest: the manifest beside the kernel that it boots says more, while it tells of the same disk
 */
export function imageOf(digest: string | undefined, domainXml: string): ImageInfo | null {
  if (digest === undefined) return null;
  const kernel = /<kernel>([^<]+)<\/kernel>/.exec(domainXml)?.[1];
  const file = kernel === undefined ? "" : join(dirname(kernel), "manifest.json");
  const manifest = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
  if (manifest?.digest !== digest) return { digest, packages: {} };
  const { built, kernel: version, packages = {} } = manifest;
  return {
    digest,
    ...(built === undefined ? {} : { built }),
    ...(version === undefined ? {} : { kernel: version }),
    packages: Object.fromEntries(
      PACKAGES.flatMap((name) => (packages[name] ? [[name, packages[name]]] : [])),
    ),
  };
}

function readRecords<T>(directory: string): T[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as T);
}

/** Results of the stack's drills, and those that were tried without one; each oldest first. */
export function readDrills(stackDirectory: string): Pick<ReportData, "drills" | "tried"> {
  const directory = join(stackDirectory, "drills");
  return {
    drills: readRecords<DrillResult>(directory).sort((a, b) => a.startedAt.localeCompare(b.startedAt)),
    tried: readRecords<DrillTried>(join(directory, TRIED)).sort((a, b) => a.endedAt.localeCompare(b.endedAt)),
  };
}

async function firstLine(command: string, args: readonly string[]): Promise<string> {
  try {
    const { code, stdout } = await exec(command, args);
    return code === 0 ? (stdout.trim().split("\n")[0] ?? "") : "unknown";
  } catch {
    return "unknown";
  }
}

/** @param engine who applied the stack */
export async function hostVersions(engine: string): Promise<Record<string, string>> {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const [libvirt, qemu, commit] = await Promise.all([
    firstLine("libvirtd", ["--version"]),
    firstLine("qemu-system-x86_64", ["--version"]),
    firstLine("git", ["rev-parse", "--short=12", "HEAD"]),
  ]);
  return {
    "lvs-dr": commit === "unknown" ? version : `${version} (${commit})`,
    engine,
    node: process.version,
    libvirt: libvirt.replace(/^.*\) /, ""),
    qemu: /version (\S+)/.exec(qemu)?.[1] ?? qemu,
  };
}
