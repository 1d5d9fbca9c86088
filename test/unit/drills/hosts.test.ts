import { expect, it } from "vitest";
import { DRILLS } from "../../../drills/catalogue";
import type { DrillRun } from "../../../drills/drillRun";
import { cutOff, restorePair } from "../../../drills/pair";
import { parseConfig } from "../../../model/config/config";
import type { Lab } from "../../../model/lab/types";

const FAR = {
  name: "far",
  libvirtUri: "qemu+ssh://root@far/system",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
};
const HOSTS = [{ underlay: "10.199.0.1" }, { ...FAR, underlay: "10.199.0.2" }];
const lab = (config: object): Lab =>
  parseConfig({ accelerator: "qemu", ...config }, { project: "lvs-dr", stack: "dev" });
const pair = (config: object = {}): Lab => lab({ hosts: HOSTS, directors: [{}, {}], ...config });

it("a host is taken down only where the other one's director can serve, and somebody can ask", () => {
  const drill = DRILLS.find(({ name }) => name === "host-power-off");
  const why = (of: Lab) => drill?.unfit?.({ lab: of } as DrillRun);
  expect(why(lab({ directors: [{}, {}] }))).toBe("this lab is on one host");
  expect(why(lab({ hosts: HOSTS }))).toBe("this lab has one director");
  expect(why(pair({ directors: [{ host: "far" }, { host: "far" }] }))).toBe("both directors are on one host");
  expect(why(pair({ client: { host: "far" } }))).toBe(
    "each director's host has the client or the router too",
  );
  expect(why(pair())).toBeUndefined();
  expect(why(pair({ router: { host: "far" }, client: { host: "far" } }))).toBeUndefined();
});

it("a director that is cut off still hears the host that logs in to it, which is its own", () => {
  const both = pair();
  const [near, far] = both.directors.map((node) => cutOff({ lab: both }, node));
  expect(near).toContain("ip saddr 192.168.7.1 accept");
  expect(far).toContain("ip saddr 192.168.7.254 accept");
});

it("is undone at once where its host is gone for good: nobody waits for guests that cannot start", async () => {
  const asked: string[] = [];
  const dead = () => Promise.reject(new Error("the host of rs2 does not answer: no route"));
  const run = {
    lab: pair(),
    environment: { power: { on: dead }, ownShell: () => asked.push("a guest") },
    shell: { check: () => asked.push("a guest") },
  } as unknown as DrillRun;
  const drill = DRILLS.find(({ name }) => name === "host-power-off");
  await expect(drill?.restore(run)).rejects.toThrow("the host of rs2 does not answer");
  await expect(restorePair(run)).rejects.toThrow("does not answer");
  expect(asked).toEqual([]);
});

it("asks nobody for the power of a director that is a machine", async () => {
  const ssh = { keyFile: "/k", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
  const both = lab({ directors: [{ ssh, address: "192.168.7.30" }, {}] });
  const powered: string[] = [];
  const done: string[] = [];
  const run = {
    lab: both,
    environment: {
      power: { on: (domain: string) => Promise.resolve(powered.push(domain) < 0) },
      findHolder: () => Promise.resolve(),
      renewShell: () => undefined,
    },
    shell: { check: (name: string) => Promise.resolve(void done.push(name)) },
    promises: { rebootSeconds: 1 },
    until: () => Promise.resolve(),
    forgetClock: () => undefined,
  } as unknown as DrillRun;
  await restorePair(run);
  expect(powered).toEqual(["lvs-dr-dev-director2"]);
  expect(done).toEqual(["director1", "director2"]);
});
