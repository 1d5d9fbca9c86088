/** The lines of a file that stay behind. */
import { lineKey, type Left, type Line } from "./source";

export const leftText = ({ file, line, text, reason }: Left): string =>
  `${file === undefined ? "" : `${file} `}line ${line}: ${text}: ${reason}`;

export class NothingToImport extends Error {
  /** @param lacks what a file lacks of which no line is at fault */
  constructor(
    readonly left: readonly Left[],
    lacks: string | undefined,
  ) {
    const why = lacks === undefined ? left.map((each) => `\n  ${leftText(each)}`).join("") : ` ${lacks}`;
    super(`no service can be taken over:${why}`);
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
    const lacks = all.length === 0 ? "the file says nothing" : "the file has no virtual service";
    return new NothingToImport(told(), isFault ? undefined : lacks);
  }

  isLeft(at: Line): boolean {
    return this.reasons.has(lineKey(at));
  }
}
