import type { Refusal } from "./refusal";

/** Gathers broken invariants, without those that only repeat what the schema already refused. */
export class Findings {
  private readonly found: Refusal[] = [];

  /** @param tainted keys whose values were refused: defaults stand in for them */
  constructor(private readonly tainted: ReadonlySet<string>) {}

  get problems(): readonly Refusal[] {
    return this.found;
  }

  /** @param involved further keys that the finding depends on */
  add(problem: Refusal, ...involved: readonly string[]): void {
    if ([problem.key, ...involved].some((key) => this.isTainted(key))) return;
    this.found.push(problem);
  }

  isTainted(key: string): boolean {
    return [...this.tainted].some((each) => related(each, key) || related(key, each));
  }
}

function related(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}
