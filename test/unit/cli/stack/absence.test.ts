import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetHosts, hostsNow } from "../../../../cli/stack/absence";
import { recordApplied } from "../../../../cli/stack/applied";
import { StackContext } from "../../../../cli/stack/context";
import { Virsh } from "../../../../cli/stack/virsh";
import type { Value } from "../../../../lib/properties";
import { STACK_TYPE } from "../../../../lib/urn";
import { GuestShell } from "../../../../lib/ssh";
import { parseConfig } from "../../../../model/config/config";
import { APPLIED_LAB } from "../../../../model/lab/naming";
import { guestsOf, type Lab } from "../../../../model/lab/types";

const home = process.cwd();
const URI = "qemu+ssh://root@far:2222/system";
const FAR = {
  name: "far",
  libvirtUri: URI,
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
  underlay: "10.199.0.2",
};
const HOSTS = [{ underlay: "10.199.0.1" }, FAR];
const lab = (config: object = {}): Lab =>
  parseConfig({ hosts: HOSTS, accelerator: "qemu", ...config }, { project: "lvs-dr", stack: "dev" });
const near = lab({ hosts: [{}] });

let checkout: string;
let said: string[];
/** Why each host does not answer, by URI. */
let silence: Record<string, string>;
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "lvs-dr-absence-"));
  process.chdir(checkout);
  said = [];
  silence = { [URI]: "no route" };
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text).trimEnd()) > 0);
  vi.spyOn(Virsh.prototype, "silence").mockImplementation(function (this: Virsh) {
    return Promise.resolve(silence[(this as unknown as { uri: string }).uri]);
  });
  vi.stubEnv("LVS_DR_ABSENT_HOSTS", "");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.chdir(home);
  rmSync(checkout, { recursive: true });
});

/** A stack that was applied as `applied`; in another checkout where there is no record of it here. */
function context(applied = lab(), forgetHost: readonly string[] = [], here = true) {
  if (here) recordApplied(".lab/dev", applied);
  const made = new StackContext({ stack: "dev", engine: "embedded", forgetHost });
  const forget = vi.spyOn(made.backend, "forget").mockResolvedValue(7);
  vi.spyOn(made.backend, "resources").mockResolvedValue([
    { type: STACK_TYPE, outputs: { access: { privateKey: "", hosts: {} } } },
    { type: APPLIED_LAB, outputs: { lab: applied as unknown as Value } },
  ]);
  vi.spyOn(made.backend, "domains").mockResolvedValue(
    new Map(guestsOf(applied).map(({ domain }) => [domain, undefined])),
  );
  return { made, forget };
}
const names = (hosts: readonly { readonly name: string }[]) => hosts.map(({ name }) => name);
const now = async ({ made }: ReturnType<typeof context>, wanted: Lab) =>
  hostsNow(await made.lastHosts(), made, wanted);
const absent = async (wanted: Lab, applied?: Lab) => names((await now(context(applied), wanted)).absent);

describe("a host of the last up that does not answer", () => {
  it("is named with its guests, and the program is told", async () => {
    expect(await absent(lab({ bootTimeout: 99 }))).toEqual(["far"]);
    expect(said).toEqual([
      "far does not answer: no route",
      "far: what it has stays as it is (rs2); the next `up` that reaches it puts it right",
    ]);
    expect(process.env.LVS_DR_ABSENT_HOSTS).toBe("far");
    silence = {};
    expect(await absent(lab())).toEqual([]);
    expect(process.env.LVS_DR_ABSENT_HOSTS).toBe("");
  });

  it("is asked nothing more", async () => {
    expect(names((await now(context(), lab())).present)).toEqual(["host1"]);
  });

  it("lets none of its guests move away, nor leave the lab: what it has could not be told apart from what is new", async () => {
    await expect(absent(lab({ realServers: [{}, { host: "host1" }] }))).rejects.toThrow(
      "far does not answer (no route), and rs2 cannot leave it: wait until it is back (drain takes a real server out of service meanwhile) or, if it never returns, take it out of hosts and run `scripts/lab up --forget-host far`",
    );
    await expect(absent(lab({ realServerCount: 1 }))).rejects.toThrow("rs2 cannot leave it");
    expect(await absent(lab({ realServers: [{}, { drain: true }] }))).toEqual(["far"]);
  });

  it("gets no guest", async () => {
    await expect(absent(lab({ realServerCount: 4 }))).rejects.toThrow(
      "far does not answer (no route), and rs4 would be made there: wait until it is back, or name another one by `host`",
    );
    await expect(absent(lab({ realServers: [{ host: "far" }, {}] }))).rejects.toThrow(
      "rs1 would be made there",
    );
  });

  it("cannot leave the configuration but by being forgotten", async () => {
    await expect(absent(near)).rejects.toThrow(
      "far is not in the configuration any more, and what it has cannot be deleted, since it does not answer (no route): run `scripts/lab up --forget-host far` if it never returns",
    );
  });

  it("is left out and forgotten by a checkout in which no `up` was run, too", async () => {
    const elsewhere = (forget: readonly string[]) => context(lab(), forget, false);
    expect(names((await now(elsewhere([]), lab())).absent)).toEqual(["far"]);
    expect(said.at(-1)).toContain("what it has stays as it is (rs2)");
    const { made, forget } = elsewhere(["far"]);
    expect(names(await forgetHosts(made, near))).toEqual(["host1"]);
    expect(forget).toHaveBeenCalledOnce();
  });

  it("may be the first, and then have the way to every service", async () => {
    const near = { name: "near", underlay: "10.199.0.1" };
    const first = (config: object) => lab({ hosts: [FAR, near], ...config });
    const apart = first({ router: { host: "near" }, client: { host: "near" } });
    expect(await absent(apart, apart)).toEqual(["far"]);
    expect(said.at(-1)).toMatch(/^far: what it has stays as it is \(director, rs1\)/);
    const within = first({ client: { host: "near" } });
    expect(await absent(within, within)).toEqual(["far"]);
    expect(said.at(-1)).toBe("far: no request reaches a service without router");
  });

  it("ends it where no other does", async () => {
    const edge = { ...FAR, name: "edge", libvirtUri: "qemu+ssh://root@edge/system", underlay: "10.199.0.3" };
    const remote = lab({ hosts: [FAR, edge] });
    silence = { [URI]: "no route", [edge.libvirtUri]: "refused" };
    await expect(absent(remote, remote)).rejects.toThrow(
      "none of the hosts answers: far (no route), edge (refused)",
    );
  });

  it("is for what asks it to say, where it is the only one", async () => {
    const only = lab({ hosts: undefined, libvirtUri: URI });
    expect(await absent(only, only)).toEqual([]);
  });

  it("is the same by another way to its libvirt", async () => {
    const rekeyed = { ...FAR, libvirtUri: `${URI}?keyfile=/new` };
    expect(await absent(lab({ hosts: [HOSTS[0], rekeyed] }))).toEqual(["far"]);
  });
});

describe("--forget-host", () => {
  it("drops what the host has from the state, and the host from those that are asked", async () => {
    const { forget, made } = context(lab(), ["far"]);
    expect(names(await forgetHosts(made, near))).toEqual(["host1"]);
    expect(forget).toHaveBeenCalledWith([{ libvirtUri: URI, address: "far", port: 2222 }]);
    expect(said[0]).toBe("far: forgotten, 7 resources are dropped from the state");
  });

  it.each([
    ["that answers", {}, "far", near, "it answers: leave the option out"],
    [
      "that the configuration lists",
      { [URI]: "no" },
      "far",
      lab(),
      "the configuration still lists it: remove it from there first",
    ],
    [
      "that nobody knows",
      { [URI]: "no" },
      "fat",
      near,
      "no other host or machine of the last `up` is called so; there are far",
    ],
    [
      "that is this one",
      { [URI]: "no" },
      "host1",
      near,
      "no other host or machine of the last `up` is called so; there are far",
    ],
  ])("refuses one %s", async (_which, silent, name, wanted, why) => {
    silence = silent;
    const { forget, made } = context(lab(), [name]);
    await expect(forgetHosts(made, wanted)).rejects.toThrow(`--forget-host ${name}: ${why}`);
    expect(forget).not.toHaveBeenCalled();
  });

  describe("a machine that exists", () => {
    const ssh = { host: "10.0.0.20", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
    const machine = (port?: number): Lab =>
      lab({ hosts: undefined, realServers: [{}, { ssh: { ...ssh, ...(port && { port }) } }] });
    const without = lab({ hosts: undefined });
    const shell = (code: number): void => {
      vi.spyOn(GuestShell.prototype, "run").mockResolvedValue({ code, stdout: "", stderr: "" });
    };

    it("is named by the address of its SSH", async () => {
      shell(255);
      const { forget, made } = context(machine(), ["10.0.0.20"]);
      expect(names(await forgetHosts(made, without))).toEqual([""]);
      expect(forget).toHaveBeenCalledWith([{ address: "10.0.0.20", port: 22 }]);
      expect(said.at(-1)).toBe(
        "10.0.0.20: should it return, `lvs-dr remove all` there, as root, takes away what it has",
      );
      const other = context(machine(2222), ["10.0.0.20:2222"]);
      await forgetHosts(other.made);
      expect(other.forget).toHaveBeenCalledWith([{ address: "10.0.0.20", port: 2222 }]);
    });

    it("is not forgotten while it answers, or the configuration lists it", async () => {
      shell(0);
      const { forget, made } = context(machine(), ["10.0.0.20"]);
      await expect(forgetHosts(made, machine())).rejects.toThrow("the configuration still lists it");
      await expect(forgetHosts(made, without)).rejects.toThrow("it answers: leave the option out");
      expect(forget).not.toHaveBeenCalled();
    });
  });
});
