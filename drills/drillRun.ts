/** One run of a drill: what its script does and says goes through here, and what it saw is kept here. */
import { endpoint, familyOf, type Family } from "../model/lab/address";
import { tableWeight } from "../model/director/ipvs/table";
import { pagesOf } from "../model/guest/pages";
import { lastHop } from "../model/lab/lastHop";
import { addressOf, serviceUrl, type Lab, type LabNode } from "../model/lab/types";
import type { GuestShell, RunOptions } from "../lib/ssh";
import { readClock, type ClockReading } from "./clocks";
import type { Environment } from "./environment";
import { promises, type Promises } from "./limits";
import { parseRequest, RequestLog, round } from "./requests";
import { RunRecord } from "./runRecord";
import { perl, Stream } from "./stream";
import { showWeights, TableHistory, type Weights } from "./tableHistory";
import { Broken, interruptible, interruptibleSleep } from "./waiting";
import type { LoadRecord, RequestRecord, RunKind } from "./types";

/** Seconds between two looks at the kernel's table. */
const TABLE_PERIOD = 0.1;
/** Seconds until the client gives a request up; more than SYN retransmissions at 1 and 3 s need. */
const REQUEST_TIMEOUT = 5;
/** Requests a second. */
export const RATE = 10;

/** What a run is for, where it is not the drill itself. */
export interface Purpose {
  /** It undoes: Ctrl-C does not end it, and it keeps its events to itself. */
  readonly restoring?: boolean;
  /** Name of the real server that was hit; without it, the one that drills hit now. */
  readonly target?: string;
}

const NEVER = new AbortController().signal;

export class DrillRun extends RunRecord {
  readonly table: TableHistory;
  readonly promises: Promises;
  private readonly clocks = new Map<string, ClockReading>();
  private readonly records: RequestRecord[] = [];
  private rate = 0;
  private load?: Stream;
  private watcher?: Stream;
  private readonly programs: Stream[] = [];
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    readonly environment: Environment,
    readonly kind: RunKind,
    /** Bounds the load, seconds before scaling. */
    private readonly maxSeconds: number,
    private readonly purpose: Purpose = {},
  ) {
    super(environment.say, environment.timeScale, purpose.restoring);
    this.table = new TableHistory(this.lab);
    this.promises = promises(this.lab);
  }

  get lab(): Lab {
    return this.environment.lab;
  }

  get director(): LabNode {
    return this.lab.directors[0];
  }

  /** Who asks for the VIP on the server segment. */
  get lastHop(): LabNode {
    return lastHop(this.lab);
  }

  /** Of the service that is hit. */
  get family(): Family {
    return familyOf(this.lab.services[0].vip);
  }

  /** A node's address of that family. */
  inFamily(node: LabNode): string {
    return addressOf(node, this.family) ?? node.address;
  }

  get shell(): GuestShell {
    return this.environment.shell;
  }

  /** Ends what is under way. */
  get signal(): AbortSignal {
    return this.purpose.restoring ? NEVER : this.environment.signal;
  }

  get sabotaged(): boolean {
    return this.kind === "sabotage";
  }

  /** The real servers of the main service that take part. */
  get servers(): readonly LabNode[] {
    const names = this.lab.services[0].realServers.filter((server) => tableWeight(server) > 0);
    return this.lab.realServers.filter(({ name }) => names.some((server) => server.name === name));
  }

  /** The real server that is hit, and those that are not. */
  get target(): LabNode {
    const target = this.purpose.target ?? this.environment.target;
    const found = this.servers.find(({ name }) => target === undefined || name === target);
    if (found !== undefined) return found;
    throw new Error(
      target === undefined
        ? "this lab has no real server in rotation"
        : `no real server in rotation is called '${target}'; there are ${this.servers.map(({ name }) => name).join(", ")}`,
    );
  }

  get others(): readonly LabNode[] {
    const { target } = this;
    return this.servers.filter((server) => server !== target);
  }

  /** As in the kernel's table. */
  endpoint({ name }: LabNode): string {
    const entry = this.lab.services[0].realServers.find((server) => server.name === name);
    if (entry === undefined) throw new Error(`${name} is not a real server of the main service`);
    return endpoint(entry.address, entry.port);
  }

  /** Waits; Ctrl-C ends it. */
  sleep(seconds: number): Promise<void> {
    return interruptibleSleep(seconds, this.signal);
  }

  /** Breaks nothing at the same point of the checks' rhythm each time. */
  randomPhase(): Promise<void> {
    return this.sleep(Math.random() * this.lab.services[0].check.checkinterval);
  }

  /** The guest's clock, read once a run. */
  async clock(node: string): Promise<ClockReading> {
    const known = this.clocks.get(node);
    if (known !== undefined) return known;
    const reading = await readClock(this.shell, node);
    this.clocks.set(node, reading);
    return reading;
  }

  /** For a guest that has booted since. */
  forgetClock(node: string): void {
    this.clocks.delete(node);
  }

  /**
   * Does something in a guest.
   * @returns when its command began there, on the run's clock
   */
  async act(what: string, node: string, command: string, options?: RunOptions): Promise<number> {
    const { offset } = await this.clock(node);
    const stdout = await this.ask(node, `echo "@$EPOCHREALTIME"; { ${command}\n} >/dev/null`, options);
    const guest = Number(/^@([\d.]+)/.exec(stdout)?.[1]);
    return this.event(what, guest - offset - this.origin);
  }

  /** Runs a command whose output matters. */
  ask(node: string, command: string, options?: RunOptions): Promise<string> {
    const work = this.shell.check(node, command, options);
    const over = work.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.add(over);
    void over.then(() => this.underWay.delete(over));
    return interruptible(work, this.signal);
  }

  /**
   * Ends what an interrupted or failed run has left running. A command that is under way in a guest cannot be ended from
   * here, and would break again what is repaired meanwhile: it gets `seconds` to come to its end.
   */
  async abandon(seconds: number): Promise<void> {
    for (const program of this.programs) program.kill();
    const patience = new AbortController();
    const waited = interruptibleSleep(seconds, patience.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.underWay), waited]);
    patience.abort();
  }

  /** A program in a guest; its lines begin with the guest's time, which is turned into the run's. */
  async program(node: string, command: string, onLine: (t: number, rest: string) => void): Promise<Stream> {
    const { offset } = await this.clock(node);
    const program = new Stream(this.shell, node, command, (line) => {
      const match = /^([\d.]+) (.*)$/.exec(line);
      if (match) onLine(Number(match[1]) - offset - this.origin, match[2] ?? "");
    });
    this.programs.push(program);
    return program;
  }

  /** Starts the load and the table's watcher, and sees both work. */
  async begin(): Promise<void> {
    const { director } = this;
    const {
      clients: [client],
      services,
    } = this.lab;
    // All at once now, so that no first command later pays for a connection.
    await Promise.all([client, director, ...this.servers].map(({ name }) => this.clock(name)));
    await this.watch();
    const { offset } = await this.clock(client.name);
    const toRun = (time: number): number => time - offset - this.origin;
    this.rate = RATE;
    const names = this.lab.directors.map(({ name }) => name);
    const seconds = this.maxSeconds * this.scale + 60;
    this.load = new Stream(
      this.shell,
      client.name,
      perl("load", serviceUrl(services[0]), RATE, seconds, REQUEST_TIMEOUT, 1, ...pagesOf(this.lab)),
      (line) => {
        const record = parseRequest(line, toRun, names);
        if (record) this.records.push(record);
      },
    );
    await this.until("the cluster serves", () => this.records.some(({ ok }) => ok), 15);
    await this.asConfigured(this.now, 15);
    await this.sleep(2);
    this.event(`steady: ${RATE} requests/s`, this.now, "steady");
  }

  /** (Re)starts the table's watcher. */
  async watch(): Promise<void> {
    this.watcher?.kill();
    this.watcher = await this.watchTable(this.director, this.table, "table");
  }

  /** Keeps a history of a director's table from now on. @param name of it in the events */
  watchTable(director: LabNode, table: TableHistory, name = `${director.name}'s table`): Promise<Stream> {
    const seconds = this.maxSeconds * this.scale + 120;
    return this.program(director.name, perl("table", TABLE_PERIOD, seconds), (t, text) => {
      const before = showWeights(table.latest);
      const after = showWeights(table.add(t, text));
      if (before !== after) this.event(`${name}: ${after}`, t, "table");
    });
  }

  /**
   * Waits until something holds, looking again and again.
   * @param seconds before scaling
   * @param pause seconds between two looks
   */
  async until(
    what: string | (() => string),
    holds: () => boolean | Promise<boolean>,
    seconds: number,
    code = "not-in-time",
    pause = 0.05,
  ): Promise<number> {
    const deadline = this.now + seconds * this.scale;
    while (!(await holds())) {
      if (this.now > deadline) {
        const text = typeof what === "string" ? what : what();
        throw new Broken(code, `not within ${seconds * this.scale} s: ${text}`);
      }
      await this.sleep(pause);
    }
    return this.now;
  }

  /**
   * Waits until the kernel's table is as `holds` wants it.
   * @param seconds from `since`, before scaling; a little more is allowed, so that the figure can say by how much
   * @param table another director's than the active one's
   * @returns when it was, on the run's clock
   */
  async tableUntil(
    what: string,
    holds: (weights: Weights) => boolean,
    since: number,
    seconds: number,
    code = "not-in-time",
    table = this.table,
  ): Promise<number> {
    const deadline = since + seconds * this.scale * 1.25 + 1;
    for (;;) {
      const at = table.firstTime(holds, since);
      if (at !== undefined) return at;
      if (this.now > deadline && this.watcher?.alive === false)
        throw new Error("the director's table is no longer told: the connection to its watcher has ended");
      if (this.now > deadline)
        throw new Broken(
          code,
          `not within ${round(seconds * this.scale)} s: ${what}; the table has ${showWeights(table.latest)}`,
        );
      await Promise.race([table.nextWord(), this.sleep(0.25)]);
    }
  }

  /** Waits until the kernel's table is the configuration's; see `tableUntil`. */
  asConfigured(since: number, seconds: number, what = "the table is as configured"): Promise<number> {
    return this.tableUntil(what, this.table.isAsExpected, since, seconds, "not-as-configured");
  }

  /** Waits until the target is out of the table, or has weight 0 in it; see `tableUntil`. */
  targetOut(
    since: number,
    seconds: number,
    what = `${this.target.name} is out`,
    table = this.table,
  ): Promise<number> {
    return this.tableUntil(what, this.isOut(this.target), since, seconds, "not-out", table);
  }

  isOut(server: LabNode): (weights: Weights) => boolean {
    return (weights) => weights !== undefined && (weights.get(this.endpoint(server)) ?? 0) === 0;
  }

  /** Ends load and watcher; the requests as the client felt them. */
  async finish(): Promise<RequestLog> {
    const { load, watcher } = this;
    this.load = this.watcher = undefined;
    await Promise.all([load?.end(), watcher?.end(3000)]);
    return this.log;
  }

  get log(): RequestLog {
    return new RequestLog(this.records);
  }

  get loadRecord(): LoadRecord {
    return this.log.record(this.rate);
  }

  /** Only these may have answered what began between two times. */
  expectAnswersFrom(names: readonly string[], from: number, to: number): void {
    const seen = this.log.between(from, to).answeredBy;
    const strangers = Object.keys(seen).filter((name) => !names.includes(name));
    const span = `${from.toFixed(1)} to ${to.toFixed(1)} s`;
    this.expect(Object.keys(seen).length > 0, `from ${span} nobody answered, expected ${names.join(", ")}`);
    this.expect(
      strangers.length === 0,
      `from ${span} ${strangers.join(", ")} answered, expected only ${names.join(", ")}`,
    );
  }
}
