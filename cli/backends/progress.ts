/** What an engine does, shown while it does it: redrawn on a terminal, plain lines elsewhere. */
import type { WriteStream } from "node:tty";
import type { DiagnosticEvent, EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation";
import { nameOf } from "../../lib/urn";

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
const isGroup = (type: string): boolean => type.startsWith("lvsdr:") || type.startsWith("pulumi:");

/** A replacement is told by its parts. */
const matters = ({ type, op }: StepEventMetadata): boolean =>
  !isGroup(type) && !["same", "replace", "refresh"].includes(op);

const label = ({ op, type, urn }: StepEventMetadata): string =>
  `${op.padEnd(8)} ${type.split(":").at(-1)} ${nameOf(urn)}`;

/** Which properties differ, as Pulumi puts it: `[diff: +added-deleted~updated,another]`. */
function differing(metadata: StepEventMetadata): string {
  // Pulumi has null for none.
  const detailedDiff = metadata.detailedDiff ?? {};
  const properties = (kind: string, sign: string): string => {
    const paths = Object.keys(detailedDiff).filter((path) => detailedDiff[path]?.diffKind.startsWith(kind));
    const names = new Set(paths.map((path) => path.split(/[.[]/)[0]));
    return names.size > 0 ? sign + [...names].join(",") : "";
  };
  const text = properties("add", "+") + properties("delete", "-") + properties("update", "~");
  return text && ` [diff: ${text}]`;
}

interface Work {
  readonly label: string;
  readonly since: number;
  /** What it last said of itself. */
  status?: string;
}

/** What is under way, from the events so far, by URN; the program's own calls by their stream. */
class UnderWay extends Map<string | number, Work> {
  /** The line that stays of an event, if any. */
  note({ diagnosticEvent, resourcePreEvent, resOutputsEvent, resOpFailedEvent }: EngineEvent): string | void {
    if (diagnosticEvent) return this.say(diagnosticEvent);
    const metadata = (resourcePreEvent ?? resOutputsEvent ?? resOpFailedEvent)?.metadata;
    if (!metadata || !matters(metadata)) return;
    const work = { label: label(metadata), since: Date.now() };
    if (resourcePreEvent) return void this.set(metadata.urn, work);
    const { since } = this.get(metadata.urn) ?? work;
    this.delete(metadata.urn);
    // A failure is told by its diagnostic.
    if (resOutputsEvent)
      return `  ${work.label}${differing(metadata)} ${((Date.now() - since) / 1000).toFixed(1)} s`;
  }

  private say({ severity, message, urn = "", streamID = 0, ephemeral }: DiagnosticEvent): string | void {
    if (!ephemeral) return `  ${severity}: ${message}`;
    const work = this.get(urn);
    if (work) work.status = message;
    else if (urn === "" && message !== "")
      this.set(streamID, { label: `run      ${message}`, since: Date.now() });
    else this.delete(streamID);
  }
}

export class PlainProgress implements Progress {
  private readonly underWay = new UnderWay();

  constructor(private readonly write: (line: string) => void) {}

  show(event: EngineEvent): void {
    const line = this.underWay.note(event);
    if (line !== undefined) this.write(line);
  }

  end(): void {
    // Nothing is to be taken back.
  }
}

export class LiveProgress implements Progress {
  private readonly underWay = new UnderWay();
  private readonly clock: NodeJS.Timeout;

  /** @param size of the terminal, as it is now */
  constructor(
    private readonly screen: Redrawn,
    private readonly size: () => { readonly columns: number; readonly rows: number },
  ) {
    this.clock = setInterval(() => this.draw(), 1000).unref();
  }

  show(event: EngineEvent): void {
    const line = this.underWay.note(event);
    if (line !== undefined) this.screen.persist(line);
    this.draw();
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
