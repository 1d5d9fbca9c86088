/** Services under test: real servers with addresses of their own, all in one lab's configuration and under one ldirectord. */
import {
  ldirectordFor,
  renderLdirectord,
  type LdirectordConf,
} from "../../../model/director/ldirectord/ldirectord";
import { renderTls } from "../../../model/director/ldirectord/tls";
import { isOfWeb, serviceOfPort, type CheckService } from "../../../model/director/checkServices";
import { parseConfig } from "../../../model/config/config";
import { endpoint } from "../../../model/lab/address";
import { targetArguments, type Target } from "../../../model/lab/target";
import type { Lab, VirtualService } from "../../../model/lab/types";
import { Box, type Running } from "./box";
import { Daemon } from "./daemon";
import { addAddress, install, type Make, type Server } from "./servers";
import { slowness, until, weightOf } from "./table";

/** Weight of every real server, so that it is told from ldirectord's default of 1. */
export const WEIGHT = 3;
/** Seconds that the stand-in for ipvsadm, a Perl script, costs beyond the real one while eight servers leave: three runs for each. */
const STAND_IN = 2;
const DIP = "192.168.7.30";

export interface Entry {
  readonly port: number;
  readonly protocol?: "tcp" | "udp";
  readonly check: Readonly<Record<string, unknown>>;
  /** Further keys of the service. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** What listens at its address; absent where only the address is checked. */
  readonly server?: Make;
  /** Real servers, 1 unless it says otherwise. */
  readonly count?: number;
  /** Which of them drains, counted from 1. */
  readonly draining?: number;
}

export type Entries = Readonly<Record<string, Entry>>;

/** Of a service by mark the port is its first. */
type Served = Target & Pick<VirtualService, "check" | "port" | "vip">;

/** One real server in one service. */
export class Member {
  private running: Running | undefined;

  constructor(
    private readonly fleet: Fleet,
    readonly name: string,
    readonly address: string,
    readonly service: Served,
    readonly dir: string,
    private readonly server: Server | undefined,
  ) {}

  start(): void {
    if (this.server !== undefined) {
      this.running = this.fleet.box.start(this.server.command, `${this.dir}/output`);
    }
  }

  get process(): Running {
    if (this.running === undefined) throw new Error(`${this.name} was never started`);
    return this.running;
  }

  /** As the table names it: service and real server. */
  get keys(): readonly [string, string] {
    const { mark, port } = this.service;
    return [targetArguments(this.service), endpoint(this.address, mark === undefined ? port : 0)];
  }

  /** Weight in the table now; undefined when it is out. */
  get weight(): number | undefined {
    return weightOf(this.fleet.daemon.changes, ...this.keys);
  }

  /** Waits until it is in the table with its weight, at most so many seconds on an idle machine. @returns seconds it took */
  in(seconds: number): Promise<number> {
    return this.becomes("in", seconds, () => this.weight === WEIGHT);
  }

  /** Waits until it is out of the table. @returns seconds it took */
  out(seconds: number): Promise<number> {
    return this.becomes("out of", seconds, () => this.weight === undefined);
  }

  /** Looks for so many seconds whether its weight changes. @returns whether it did not */
  async keeps(seconds: number): Promise<boolean> {
    const before = this.weight;
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end && this.weight === before)
      await new Promise((resolve) => setTimeout(resolve, 100));
    return this.weight === before;
  }

  private async becomes(what: string, seconds: number, look: () => boolean): Promise<number> {
    const begin = Date.now();
    await until(`${this.name} ${what} the table`, () => (seconds + STAND_IN) * slowness(), look);
    return (Date.now() - begin) / 1000;
  }
}

export interface Options {
  /** What of the configuration is to be otherwise than the model has it. */
  readonly change?: (conf: LdirectordConf) => LdirectordConf;
  /** Started by the test itself. */
  readonly daemon?: "later";
}

export class Fleet {
  readonly members = new Map<string, Member>();

  private constructor(
    readonly box: Box,
    readonly daemon: Daemon,
    readonly lab: Lab,
    readonly conf: LdirectordConf,
  ) {}

  /** Everything is set up and started: each server, then the daemon, until it checks each service in a process of its own. */
  static async open(entries: Entries, { change = (conf) => conf, daemon }: Options = {}): Promise<Fleet> {
    const lab = labOf(entries);
    const conf = change(ldirectordFor(lab));
    const box = await Box.open(`${DIP}/24`);
    const fleet = new Fleet(box, new Daemon(box), lab, conf);
    try {
      for (const [index, [name, { server }]] of Object.entries(entries).entries()) {
        const service = lab.services[index];
        service?.realServers.forEach(({ address }, position, { length }) => {
          fleet.add(length === 1 ? name : `${name}/${position + 1}`, address, service, server);
        });
      }
      box.write("/etc/lvs-dr/tls.json", renderTls(lab) || "{}");
      fleet.daemon.configure(renderLdirectord(conf));
      if (daemon !== "later") {
        fleet.daemon.start();
        await fleet.daemon.forked(conf.virtuals.length, 60);
      }
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  /** Sets up a real server of a service and starts it. */
  add(name: string, address: string, service: Served, make: Make | undefined): Member {
    const place = { address, port: service.port, dir: `/srv/${this.members.size}` };
    addAddress(this.box, address);
    const server = make === undefined ? undefined : install(this.box, make, place);
    const member = new Member(this, name, address, service, place.dir, server);
    member.start();
    this.members.set(name, member);
    return member;
  }

  member(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  async close(): Promise<void> {
    await this.box.close();
  }
}

/** The lab whose services these are, by the project's own model. A VIP each, for several may share a port. */
export function labOf(entries: Entries): Lab {
  const realServers: Record<string, unknown>[] = [];
  const services = Object.values(entries).map(
    ({ port, protocol = "tcp", check, service = {}, count = 1, draining }, index) => {
      const own = Array.from({ length: count }, (_unused, position) => {
        const name = `rs-${realServers.length + 1}`;
        realServers.push({
          name,
          address: `192.168.7.${101 + realServers.length}`,
          weight: WEIGHT,
          drain: position + 1 === draining,
        });
        return { name };
      });
      return {
        // The first is the lab's main service, which is always there.
        name: index === 0 ? "main" : `service-${index + 1}`,
        vip: `10.0.1.${index + 1}`,
        port,
        protocol,
        healthCheck: check,
        realServers: own,
        ...(protocol === "tcp" &&
          !isOfWeb((check.service as CheckService | undefined) ?? serviceOfPort(port)) && {
            workload: "own",
          }),
        ...service,
      };
    },
  );
  return parseConfig(
    {
      vip: "10.0.0.100",
      realServers,
      services,
      workloads: [{ name: "own" }],
      director: { address: DIP },
    },
    { project: "lvs-dr", stack: "services" },
  );
}
