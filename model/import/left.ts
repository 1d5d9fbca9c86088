/** The lines of a file that stay behind. */
import { lineKey, type Left, type Line } from "./source";

export const leftText = ({ file, line, text, reason }: Left): string =>
  `${file === undefined ? "" : `${file} `}line ${line}: ${text}: ${reason}`;

/** What begins a virtual service, in either format. */
const SERVICE = /^virtual(6?\s*=|_server\s)/;

export class NothingToImport extends Error {
  /** @param lacks what the file lacks: said first, before the lines that are at fault */
  constructor(
    readonly left: readonly Left[],
    lacks: string | undefined,
    faults: readonly Left[],
  ) {
    const lines = faults.map((each) => `\n  ${leftText(each)}`).join("");
    super(`no service can be taken over:${lacks === undefined ? "" : ` ${lacks}`}${lines}`);
  }
}

/** Lines that are not taken over, each once for a reason. */
export class Leaving {
  readonly left: Left[] = [];
  private readonly reasons = new Map<string, Set<string>>();

  constructor(before: readonly Left[]) {
    for (const each of before) this.leave(each, each.reason);
  }

  leave(at: Line, reason: string): void {
    const known = this.reasons.get(lineKey(at)) ?? new Set();
    if (known.has(reason)) return;
    this.reasons.set(lineKey(at), known.add(reason));
    this.left.push({ ...at, reason });
  }

  /** Lines that would count as taken over otherwise. */
  leaveRest(lines: readonly Line[], reason: string): void {
    for (const each of lines) if (!this.isLeft(each)) this.leave(each, reason);
  }

  /** What is told is at fault; all else is told beside it. @param all lines that say something @param told in order */
  nothing(all: readonly Line[], told: () => Left[]): NothingToImport {
    const isFault = told().length > 0;
    this.leaveRest(all, "is of no service that is taken over");
    const left = told();
    const lacks = all.length === 0 ? "the file says nothing" : "the file has no virtual service";
    return new NothingToImport(
      left,
      isFault && all.some(({ text }) => SERVICE.test(text)) ? undefined : lacks,
      isFault ? left : [],
    );
  }

  isLeft(at: Line): boolean {
    return this.reasons.has(lineKey(at));
  }
}
