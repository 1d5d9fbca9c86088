/**
 * The bed on which stacks of several hosts are tried: a second host for libvirt beside the first, joined to it by one link. No lab is built on it here.
 * Run by name: `scripts/lab test hosts`.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { virsh } from "../../lib/virsh";
import { Host, vxlanEnd, type HostFacts } from "./hosts/hosts";
import { eventually } from "./support";

const named = process.env.LVS_DR_TEST_HOSTS === "yes";
const second = new Host(process.env.LVS_DR_TEST_HOST ?? "second");
const VXLAN = "vxhosts";
/** Their addresses on it. */
const [FIRST, SECOND] = ["10.198.77.1", "10.198.77.2"];
const first = (...args: string[]): Promise<string> => virsh("qemu:///system", args);

async function here(command: string): Promise<string> {
  return (await promisify(execFile)("bash", ["-euc", command])).stdout;
}

/** Sends back what it gets, in datagrams that nobody may cut. */
const ECHO = `perl -MSocket -e 'socket S,AF_INET,SOCK_DGRAM,0; setsockopt S,0,10,pack("i",2); bind S,sockaddr_in(7007,INADDR_ANY) or die;
  while (defined($from = recv S,$data,9000,0)) { send S,$data,0,$from }' >/dev/null 2>&1 </dev/null &`;
/** @returns what comes back of a datagram of `size` bytes, within 3 s */
const echoed = (address: string, size: number): Promise<string> =>
  here(`perl -MSocket -e 'alarm 3; socket S,AF_INET,SOCK_DGRAM,0; setsockopt S,0,10,pack("i",2);
    send S,"x" x ${size},0,sockaddr_in(7007,inet_aton("${address}")) or die "$!"; recv S,$data,9000,0; print length $data'`);
/** Starts that on the second host, and waits until it answers. */
async function startEcho(): Promise<void> {
  await second.run(ECHO);
  await eventually(30, () => echoed(SECOND, 1));
}

/** One end of a VXLAN of which both hosts are members. */
const vxlan = (name: string, local: string, remote: string, address: string): string =>
  `${vxlanEnd(name, 77, local, remote)}\nip addr add ${address}/24 dev ${name}`;

function namespaceOf(pid: string | number): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    // It has ended, or nobody may look, as at the first process of a container's host.
    return undefined;
  }
}
/** Processes in a network namespace, whoever has started them. */
const processesIn = (inode: number | undefined): string[] =>
  readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && namespaceOf(entry) === inode);

/** A guest that boots nothing. */
const GUEST = `<domain type="qemu"><name>bare</name><memory unit="MiB">16</memory><os><type arch="x86_64" machine="pc">hvm</type></os></domain>`;
const network = (name: string): string => `<network><name>${name}</name><bridge name="${name}"/></network>`;

describe.skipIf(!named)("a second host", () => {
  let made: HostFacts;
  let inode: number | undefined;

  beforeAll(async () => {
    await second.down();
    made = await second.up();
    inode = namespaceOf(made.initPid);
  });

  afterAll(async () => {
    await second.down();
    await here(`ip link delete ${VXLAN} 2>/dev/null || true`);
  });

  it("answers by SSH, and has a libvirtd, files and processes of its own", async () => {
    const uuid = /<uuid>.*?<\/uuid>/;
    const theirs = uuid.exec(await second.virsh("capabilities"))?.[0];
    expect(theirs).toMatch(/-/);
    expect(theirs).not.toBe(uuid.exec(await first("capabilities"))?.[0]);
    expect(await second.virsh("list", "--all", "--name")).toBe("");
    expect((await second.run("hostname")).trim()).toBe(second.name);
    expect(await second.run(`ls -A ${process.cwd()}`)).toBe("");
    expect((await second.run("ip -o route")).trim()).toMatch(/^10\.199\.\d+\.0\/24 dev underlay \S.*$/);
  });

  it("is left as it is by a second `up`, which may change the link's MTU", async () => {
    expect(await second.up()).toEqual(made);
    expect(await second.up(1600)).toEqual({ ...made, mtu: 1600 });
    expect((await second.run("cat /sys/class/net/underlay/mtu")).trim()).toBe("1600");
    expect(await second.up(1500)).toEqual(made);
  });

  it("has an end of a VXLAN, through which a frame of its MTU goes, and one of the underlay's is lost", async () => {
    await here(vxlan(VXLAN, made.firstAddress, made.address, FIRST));
    await second.run(vxlan("vx", made.address, made.firstAddress, SECOND));
    await startEcho();
    expect(await echoed(SECOND, 1422)).toBe("1422");
    await expect(echoed(SECOND, 1423)).rejects.toThrow("Message too long");
    await here(`ip link set ${VXLAN} mtu 1500`);
    await expect(echoed(SECOND, 1472)).rejects.toThrow();
    expect(await echoed(SECOND, 100)).toBe("100");
  });

  it("is silent without power, with every process of it gone, guests too", async () => {
    for (const [name, autostart] of [
      ["kept", true],
      ["lost", false],
    ] as const) {
      await second.run(`cat >/tmp/net.xml <<'XML'\n${network(name)}\nXML\nvirsh net-define /tmp/net.xml`);
      await second.virsh("net-start", name);
      if (autostart) await second.virsh("net-autostart", name);
    }
    await second.run(`cat >/tmp/guest.xml <<'XML'\n${GUEST}\nXML\nvirsh define /tmp/guest.xml`);
    await second.virsh("start", "bare");
    const comm = (pid: string): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    expect(processesIn(inode).map(comm)).toEqual(
      expect.arrayContaining(["libvirtd", "virtlogd", "sshd", "qemu-system-x86"]),
    );
    expect(await first("net-list", "--all", "--name")).not.toMatch(/^(kept|lost)\s*$/m);
    const begin = Date.now();
    await second.powerOff();
    console.log(`power-off: ${Date.now() - begin} ms`);
    expect(processesIn(inode)).toEqual([]);
    await expect(second.virsh("list")).rejects.toThrow();
    await expect(echoed(SECOND, 100)).rejects.toThrow();
    expect(await here(`ip -br link show ${made.firstLink}`)).toContain("NO-CARRIER");
    await first("list");
  });

  it("comes back as after a boot: what has autostart runs, no guest, and no device that was made by hand", async () => {
    const begin = Date.now();
    const back = await second.powerOn();
    console.log(`power-on: ${Date.now() - begin} ms`);
    inode = namespaceOf(back.initPid);
    expect({ ...back, initPid: made.initPid }).toEqual(made);
    expect(await second.virsh("list", "--all")).toMatch(/^ - +bare +shut off$/m);
    expect((await second.virsh("net-list", "--name")).trim()).toBe("kept");
    expect((await second.virsh("net-list", "--all", "--name")).split(/\s+/)).toEqual(
      expect.arrayContaining(["kept", "lost"]),
    );
    expect(await second.run("ip -br link")).not.toMatch(/^(vx|lost)\b/m);
    await second.run(vxlan("vx", made.address, made.firstAddress, SECOND));
    // The neighbour of that address has another MAC now.
    await here(`ip neigh flush dev ${VXLAN}`);
    await startEcho();
    expect(await echoed(SECOND, 1422)).toBe("1422");
  });

  it("leaves nothing", async () => {
    await second.down();
    expect(processesIn(inode)).toEqual([]);
    expect(existsSync(made.directory)).toBe(false);
    expect(existsSync(`/run/netns/${made.namespace}`)).toBe(false);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(made.directory);
    const links = await here("ip -br link");
    for (const name of [made.firstLink, `off-${made.name}`]) expect(links).not.toContain(name);
    await second.down();
  });
});
