/** How a machine that exists is logged in to, and how a command runs on this host itself. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { GuestShell, type HostLogin } from "../../../lib/ssh";
import { HERE } from "../../../lib/sshHop";

const hostKey = "ssh-ed25519 AAAA";
const ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const guest: HostLogin = { address: "192.168.7.10", user: "root", hostKey };
const machine: HostLogin = {
  address: "m.example",
  user: "admin",
  hostKey: "ecdsa-sha2-nistp256 AAAA",
  machine: { port: 2222, keyFile: "/home/me/key" },
  proxy: { host: "way", user: "root", port: 22, hostKey: ed },
};
const byAgent: HostLogin = { ...guest, machine: { port: 22 } };

let shell: GuestShell;
beforeEach(() => {
  shell = new GuestShell(
    { privateKey: "KEY", hosts: { guest, machine, byAgent } },
    { stack: "machine-login" },
  );
});
afterEach(async () => {
  await shell.close();
  GuestShell.forget({ stack: "machine-login" });
});

const line = (node: string, command = "id"): string => {
  const [file, args] = shell.commandLine(node, command);
  return [file, ...args].join(" ");
};

it("a machine is opened by its own key, at its port, with its kind of host key, and no other way than its own", () => {
  const text = line("machine");
  expect(text).toContain("IdentityFile=/home/me/key");
  expect(text).toContain("Port=2222");
  expect(text).toContain("HostKeyAlgorithms=ecdsa-sha2-nistp256");
  expect(text).toMatch(/ProxyCommand='ssh' .*'way'/);
  expect(text).toMatch(/admin@m\.example -- sudo -n -- bash -c '?id'?$/);
});

it("without a key file the agent's keys are tried, and not the stack's", () => {
  expect(line("byAgent")).not.toMatch(/IdentityFile|IdentitiesOnly/);
  expect(line("byAgent")).toMatch(/root@192\.168\.7\.10 -- id$/);
});

it("a guest is opened by the stack's key, as ever", () => {
  expect(line("guest")).toMatch(/IdentityFile=\S+\/key -o IdentitiesOnly=yes/);
  expect(line("guest")).not.toContain("Port=");
});

it("this host runs a command itself, and is none of the nodes", async () => {
  const { code, stdout } = await shell.run(HERE, "echo $((40 + 2)); exit 3");
  expect({ code, stdout }).toEqual({ code: 3, stdout: "42\n" });
  expect(shell.nodes).not.toContain(HERE);
});
