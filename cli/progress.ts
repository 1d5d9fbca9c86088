/** What the embedded engine does, shown while it does it: redrawn on a terminal, plain lines elsewhere. */
import type { WriteStream } from "node:tty";
import type { EngineEvent } from "../engine";

export interface Progress {
  show(event: EngineEvent): void;
  /** Takes what is under way off the screen; what was done stays. */
  end(): void;
}

/** A terminal's last lines, which `log-update` writes over and over. */
export interface Redrawn {
  (text: string): void;
  clear(): void;
  persist(text: string): void;
}

/** Components only group; what is done to them says nothing. */
const isGroup = (resourceType: string): boolean =>
  resourceType.startsWith("lvsdr:") || resourceType.startsWith("pulumi:");

type ResourceEvent = Extract<EngineEvent, { type: "resource" }>;

const matters = ({ resourceType, op }: ResourceEvent): boolean =>
  !isGroup(resourceType) && op !== "same" && op !== "skip";

const label = ({ op, resourceType, name }: ResourceEvent): string =>
  `${op.padEnd(8)} ${resourceType.split(":").at(-1)} ${name}`;

/** The line that stays of an event, if any. */
function lineOf(event: EngineEvent): string | undefined {
  if (event.type === "diagnostic") return `  ${event.severity}: ${event.message}`;
  // A failure is told by its diagnostic.
  if (event.type !== "resource" || !matters(event) || event.phase === "pre" || event.error !== undefined)
    return undefined;
  const why = event.reasons.length > 0 ? ` (${event.reasons.join("; ")})` : "";
  return `  ${label(event)}${why} ${(event.seconds ?? 0).toFixed(1)} s`;
}

export class PlainProgress implements Progress {
  constructor(private readonly write: (line: string) => void) {}

  show(event: EngineEvent): void {
    const line = lineOf(event);
    if (line !== undefined) this.write(line);
  }

  end(): void {
    // Nothing is to be taken back.
  }
}

interface Work {
  readonly label: string;
  readonly since: number;
  /** What it last said of itself. */
  status?: string;
}

export class LiveProgress implements Progress {
  private readonly underWay = new Map<string, Work>();
  private readonly clock: NodeJS.Timeout;

  /** @param size of the terminal, as it is now */
  constructor(
    private readonly screen: Redrawn,
    private readonly size: () => { readonly columns: number; readonly rows: number },
  ) {
    this.clock = setInterval(() => this.draw(), 1000).unref();
  }

  show(event: EngineEvent): void {
    if (event.type === "resource" && matters(event)) this.note(event.phase, event.urn, label(event));
    if (event.type === "invoke") this.note(event.phase, event.id, `run      ${event.what}`);
    if (event.type === "status") {
      const work = this.underWay.get(event.urn);
      if (work) work.status = event.message;
    }
    const line = lineOf(event);
    if (line !== undefined) this.screen.persist(line);
    this.draw();
  }

  private note(phase: "pre" | "post", key: string, text: string): void {
    if (phase === "pre") this.underWay.set(key, { label: text, since: Date.now() });
    else this.underWay.delete(key);
  }

  private draw(): void {
    if (this.underWay.size === 0) return this.screen.clear();
    const { columns, rows } = this.size();
    const lines = [...this.underWay.values()].map(({ label: text, since, status }) => {
      const seconds = Math.floor((Date.now() - since) / 1000);
      // A wrapped line would be counted as one and leave its rest behind.
      return `> ${text} ${seconds} s${status ? `: ${status}` : ""}`.slice(0, columns - 1);
    });
    const most = Math.max(1, rows - 2);
    const shown =
      lines.length <= most ? lines : [...lines.slice(0, most - 1), `> and ${lines.length - most + 1} more`];
    this.screen(shown.join("\n"));
  }

  end(): void {
    clearInterval(this.clock);
    this.screen.clear();
  }
}

export async function progressOn(stream: WriteStream): Promise<Progress> {
  // Some terminals (a serial console's) do not know their width, and nothing can be redrawn without it.
  if (!stream.isTTY || !stream.columns || !stream.rows || process.env.TERM === "dumb") {
    return new PlainProgress((line) => void stream.write(`${line}\n`));
  }
  const { createLogUpdate } = await import("log-update");
  // The cursor stays: a run that is killed could not bring it back.
  return new LiveProgress(createLogUpdate(stream, { showCursor: true }), () => stream);
}
