import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { Exec, ExecResult } from "../../../../lib/process";

interface Domain {
  uuid: string;
  state: string;
  xml: string;
  snapshots?: boolean;
  /** What it runs on since it was last started: disks and networks, which are others when they were made anew. */
  runsOn?: string;
  /** The disks that it was configured on, by a command of the tests'. */
  configuredOn?: string;
}

/** libvirt and its host in memory, as far as virsh shows them; refuses what libvirt would refuse. */
export class FakeHost {
  readonly domains = new Map<string, Domain>();
  readonly networks = new Map<string, { uuid: string; active: boolean; starts: number }>();
  readonly pools = new Map<string, { uuid: string; active: boolean; volumes: Map<string, string> }>();
  /** Volumes ("pool/name") whose files were deleted behind libvirt's back: listed, but not there. */
  readonly ghosts = new Set<string>();
  /** Every virsh command so far, without connection and options. */
  readonly log: string[] = [];
  /** Called before (and after) every command that changes something; throws to fail or crash there. */
  before: (command: string) => void | Promise<void> = () => undefined;
  after: (command: string) => void | Promise<void> = () => undefined;

  readonly exec: Exec = async (file, args, options) => {
    if (file !== "virsh") throw new Error(`unexpected program ${file}`);
    const [verb = "", ...rest] = args.slice(3);
    const command = [verb, ...rest.map((a) => (a.startsWith("/") && a.endsWith(".xml") ? "XML" : a))].join(
      " ",
    );
    const changes = !/^(.*-info|.*-uuid|dominfo|domuuid|domstate|vol-key|vol-path)$/.test(verb);
    if (changes) {
      this.log.push(command);
      await this.before(command);
    }
    void options;
    const result = this.answer(verb, rest);
    if (changes) await this.after(command);
    return result;
  };

  /** The disks of a domain as they are now. */
  disksOf({ xml }: Domain): string {
    const disks = [...xml.matchAll(/pool="([^"]*)" volume="([^"]*)"/g)];
    return disks.map(([, p = "", v = ""]) => this.pools.get(p)?.volumes.get(v) ?? "none").join(" ");
  }

  /** Its disks, and how often each network has been started: a domain keeps its link to the one that it was started on. */
  surroundings(domain: Domain): string {
    const networks = [...this.networks].map(([name, { uuid, starts }]) => `${name} ${uuid} ${starts}`);
    return [this.disksOf(domain), ...networks].join("; ");
  }

  /** Everything there is, for "nothing is left". */
  contents(): string[] {
    const volumes = [...this.pools].flatMap(([pool, { volumes: all }]) =>
      [...all.keys()].map((v) => `volume ${pool}/${v}`),
    );
    return [
      ...[...this.domains.keys()].map((name) => `domain ${name}`),
      ...[...this.networks.keys()].map((name) => `network ${name}`),
      ...[...this.pools.keys()].map((name) => `pool ${name}`),
      ...volumes,
    ].sort();
  }

  private answer(verb: string, args: string[]): ExecResult {
    const options = args.filter((a) => a.startsWith("--"));
    const inPool = args.indexOf("--pool") >= 0 ? args[args.indexOf("--pool") + 1] : undefined;
    const words = args.filter((a, i) => !a.startsWith("--") && args[i - 1] !== "--pool");
    const name = words[0] ?? "";
    const xml = words.map((w) => (w.endsWith(".xml") ? fs.readFileSync(w, "utf8") : "")).join("");
    const xmlName = /<name>([^<]*)<\/name>/.exec(xml)?.[1] ?? "";
    const uuid = /<uuid>([^<]*)<\/uuid>/.exec(xml)?.[1] ?? "";
    const [domain, network, pool] = [this.domains.get(name), this.networks.get(name), this.pools.get(name)];
    const need = <T>(thing: T | undefined, kind: string): T => {
      if (thing === undefined) throw new Refusal(`failed to get ${kind} '${name}'`);
      return thing;
    };
    const volumes = (of: string | undefined): Map<string, string> => {
      const found = this.pools.get(of ?? "");
      if (!found) throw new Refusal(`failed to get pool '${String(of)}'\nStorage pool not found`);
      if (!found.active)
        throw new Refusal(`Requested operation is not valid: storage pool '${String(of)}' is not active`);
      return found.volumes;
    };
    const verbs: Record<string, () => string | void> = {
      domuuid: () => need(domain, "domain").uuid,
      dominfo: () =>
        `Name: ${name}\nUUID: ${need(domain, "domain").uuid}\nState: ${need(domain, "domain").state}`,
      domstate: () => need(domain, "domain").state,
      define: () =>
        void this.domains.set(xmlName, { state: "shut off", ...this.domains.get(xmlName), uuid, xml }),
      start: () => {
        if (need(domain, "domain").state !== "shut off") throw new Refusal("Domain is already active");
        for (const [, p, v] of domain?.xml.matchAll(/pool="([^"]*)" volume="([^"]*)"/g) ?? []) {
          if (!volumes(p).has(v ?? "")) throw new Refusal(`no storage vol with matching name '${String(v)}'`);
        }
        if (domain) Object.assign(domain, { state: "running", runsOn: this.surroundings(domain) });
      },
      resume: () => {
        if (need(domain, "domain").state !== "paused") throw new Refusal("domain is not paused");
        if (domain) domain.state = "running";
      },
      dompmwakeup: () => {
        if (need(domain, "domain").state !== "pmsuspended") throw new Refusal("domain is not suspended");
        if (domain) domain.state = "running";
      },
      shutdown: () => void (need(domain, "domain").state = "shut off"),
      destroy: () => {
        if (need(domain, "domain").state === "shut off") throw new Refusal("domain is not running");
        if (domain) domain.state = "shut off";
      },
      undefine: () => {
        if (need(domain, "domain").snapshots && !options.includes("--snapshots-metadata"))
          throw new Refusal("has snapshots");
        if (domain?.state !== "shut off") throw new Refusal("would become transient");
        this.domains.delete(name);
      },
      "net-uuid": () => need(network, "network").uuid,
      "net-info": () =>
        `Name: ${name}\nUUID: ${need(network, "network").uuid}\nActive:         ${need(network, "network").active ? "yes" : "no"}`,
      "net-define": () => void this.networks.set(xmlName, { uuid, active: false, starts: 0 }),
      "net-autostart": () => void need(network, "network"),
      "net-start": () => {
        need(network, "network").starts += 1;
        if (network) network.active = true;
      },
      "net-destroy": () => {
        if (!need(network, "network").active) throw new Refusal("network is not active");
        if (network) network.active = false;
      },
      "net-undefine": () => void (need(network, "network"), this.networks.delete(name)),
      "pool-uuid": () => need(pool, "pool").uuid,
      "pool-info": () =>
        `Name: ${name}\nUUID: ${need(pool, "pool").uuid}\nState:          ${need(pool, "pool").active ? "running" : "inactive"}`,
      "pool-define": () => void this.pools.set(xmlName, { uuid, active: false, volumes: new Map() }),
      "pool-build": () => void need(pool, "pool"),
      "pool-autostart": () => void need(pool, "pool"),
      "pool-refresh": () => {
        need(pool, "pool");
        this.ghosts.clear();
      },
      "pool-start": () => void (need(pool, "pool").active = true),
      "pool-destroy": () => void (need(pool, "pool").active = false),
      "pool-delete": () => {
        if (need(pool, "pool").volumes.size > 0)
          throw new Refusal("failed to remove pool: Directory not empty");
      },
      "pool-undefine": () => void (need(pool, "pool"), this.pools.delete(name)),
      "vol-create": () => {
        if (volumes(name).has(xmlName) || this.ghosts.has(`${name}/${xmlName}`))
          throw new Refusal(`storage volume '${xmlName}' exists already`);
        volumes(name).set(xmlName, `${xml}<!-- ${randomUUID()} -->`);
      },
      "vol-upload": () => void volumes(inPool).set(name, fs.readFileSync(words[1] ?? "", "utf8")),
      "vol-delete": () => {
        if (!volumes(inPool).delete(name)) throw new Refusal(`failed to get vol '${name}'`);
      },
      ...Object.fromEntries(
        ["vol-key", "vol-path", "vol-info"].map((v) => [
          v,
          (): string => {
            const ghost = v !== "vol-info" && this.ghosts.has(`${String(inPool)}/${name}`);
            if (!volumes(inPool).has(name) && !ghost)
              throw new Refusal(`failed to get vol '${name}'\nStorage volume not found`);
            return `/pools/${String(inPool)}/${name}`;
          },
        ]),
      ),
    };
    try {
      const run = verbs[verb];
      if (!run) throw new Refusal(`unknown command: '${verb}'`);
      return ok(`${run() ?? ""}\n`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { code: 1, stdout: "", stderr: `error: ${error.message}\n`, output: error.message };
    }
  }
}

class Refusal extends Error {}

export const ok = (stdout: string): ExecResult => ({ code: 0, stdout, stderr: "", output: stdout });

/** What a host holds, to be put back after a simulated crash. */
export type HostImage = Pick<FakeHost, "domains" | "networks" | "pools">;

export const imageOf = ({ domains, networks, pools }: FakeHost): HostImage =>
  structuredClone({ domains, networks, pools });

export function hostFrom(image: HostImage): FakeHost {
  return Object.assign(new FakeHost(), structuredClone(image));
}
