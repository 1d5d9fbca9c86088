/** What the tests of ldirectord's traps share: fleets that are closed after each test, and ways to change their configuration. */
import { afterEach } from "vitest";
import { detectionSeconds } from "../../../model/director/detection";
import { renderLdirectord, type LdirectordConf } from "../../../model/director/ldirectord/ldirectord";
import { Fleet, type Entries, type Entry, type Options } from "./fleet";
import { SERVERS } from "./servers";

export const CF = "/etc/ha.d/ldirectord.cf";
export const CHECK = { service: "http", request: "test.html", receive: "test" };
export const web = (more: Partial<Entry> = {}): Entry => ({
  port: 80,
  check: CHECK,
  server: SERVERS.nginx,
  ...more,
});
export const TWO: Entries = { web: web({ count: 2 }) };

const open: Fleet[] = [];
export async function fleetOf(entries: Entries, options?: Options): Promise<Fleet> {
  const fleet = await Fleet.open(entries, options);
  open.push(fleet);
  return fleet;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((fleet) => fleet.close()));
});

/** Upstream's defaults in place of some of the project's options. */
export const globally =
  (options: LdirectordConf["options"]) =>
  (conf: LdirectordConf): LdirectordConf => ({
    ...conf,
    options: { ...conf.options, ...options },
    virtuals: options.fork === false ? conf.virtuals.map(withoutInterval) : conf.virtuals,
  });
const withoutInterval = (block: LdirectordConf["virtuals"][number]): typeof block => {
  const options = Object.entries(block.options).filter(([name]) => name !== "checkinterval");
  return { ...block, options: Object.fromEntries(options) };
};
/** What reads the file by itself, in one process: T1's way to freeze. */
export const UPSTREAM = globally({ fork: false, autoreload: true });

/** Both servers are in, and the daemon is past its start. */
export async function settled(fleet: Fleet): Promise<void> {
  for (const member of fleet.members.values()) await member.in(20);
}

export const budget = (fleet: Fleet): number => detectionSeconds(fleet.member("web/1").service);
export const text = (fleet: Fleet): string => renderLdirectord(fleet.conf);
export const bad = (fleet: Fleet): string => text(fleet).replace("\n", "\nfoo = 1\n");
export const hup = (fleet: Fleet): void => void process.kill(fleet.daemon.process.pid, "SIGHUP");
export const commands = (fleet: Fleet, from: number): string[] =>
  fleet.daemon.changes.slice(from).map(({ command, server = "" }) => `${command} ${server}`.trim());
