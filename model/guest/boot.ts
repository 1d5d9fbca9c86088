/** What a guest learns from outside when it boots: kernel command line, and the files of its seed disk. */
import { familyOf, netmaskOfLength, Prefix, withoutLength } from "../lab/address";
import { sha256 } from "../../lib/text";
import type { SshKeyPair } from "./sshKey";
import type { LabNode, Nic } from "../lab/types";

/** A file of the seed disk. */
export interface SeedFile {
  /** Relative path. */
  readonly path: string;
  /** Octal, e.g. `0600`. */
  readonly mode: string;
  readonly content: string;
}

export interface SeedIdentity {
  /** The SSH host key. */
  readonly hostKey: SshKeyPair;
  /** The one public key that may log in, as root. */
  readonly authorizedKey: string;
}

/** What a guest learns of itself. */
export type GuestIdentity = Pick<LabNode, "name" | "domain" | "gateway" | "gateway6"> & {
  readonly nics: readonly Pick<Nic, "device" | "mac" | "addresses">[];
};

/** No getty: nobody can type into a file. Seconds until a reboot leave time for the panic's text to be written. */
const CONSOLE = ["console=ttyS0", "systemd.getty_auto=no", "panic=5"];

/**
 * Command line for direct kernel boot of the project's image: host name and one `ip=` per address
 * (systemd-network-generator(8) makes networkd units of them). Nothing in it is secret: it is in QEMU's arguments.
 * The console goes to the serial port, which libvirt keeps in a file, and a kernel that panics reboots.
 * @param emulated without KVM the kernel measures the TSC's rate while other guests boot, and may be far off for ever: a
 *   guest's clock once ran seven times too fast. QEMU's HPET is right, and a look at it costs 1.4 µs instead of 0.6. The
 *   kernel also waits for timer interrupts that come late on a busy host, and panics ("IO-APIC + timer doesn't work!"):
 *   no_timer_check takes them for granted.
 */
export function kernelCmdline(base: string, node: GuestIdentity, emulated: boolean): string {
  const addresses = node.nics.flatMap((nic, nicIndex) =>
    // The kernel's own syntax has no IPv6: that is the role's to set up.
    ofIpv4(nic).map((cidr, index) => {
      const gateway = nicIndex === 0 && index === 0 ? (node.gateway ?? "") : "";
      return `ip=${withoutLength(cidr)}::${gateway}:${netmaskOfLength(Prefix.read(cidr)?.length ?? 0)}:${node.name}:${nic.device}:off`;
    }),
  );
  const clock = emulated ? ["clocksource=hpet", "no_timer_check"] : [];
  return [base, ...CONSOLE, ...clock, `systemd.hostname=${node.name}`, ...addresses].join(" ");
}

function ofIpv4({ addresses }: Pick<Nic, "addresses">): string[] {
  return addresses.filter((address) => familyOf(address) === 4);
}

function routesOf(gateway: string, gateway6: string | undefined): { to: string; via: string }[] {
  return [
    { to: "0.0.0.0/0", via: gateway },
    ...(gateway6 === undefined ? [] : [{ to: "::/0", via: gateway6 }]),
  ];
}

/** Seed of the project's image: files put over its root before sshd starts. */
export function imageSeed(identity: SeedIdentity): SeedFile[] {
  return [
    { path: "etc/ssh/ssh_host_ed25519_key", mode: "0600", content: identity.hostKey.privateKey },
    { path: "etc/ssh/ssh_host_ed25519_key.pub", mode: "0644", content: `${identity.hostKey.publicKey}\n` },
    { path: "root/.ssh/authorized_keys", mode: "0600", content: `${identity.authorizedKey}\n` },
  ];
}

/**
 * Puts these lines first in sshd's configuration, before sshd starts: the first value wins, over drop-ins too. By hand,
 * because cloud-init's own ssh_pwauth comes after sshd has started, and restarts it.
 */
const SSHD_FIRST = [
  "# Written by the lab.",
  "PasswordAuthentication no",
  "KbdInteractiveAuthentication no",
  "PermitRootLogin prohibit-password",
];
const FORBID_PASSWORDS = `grep -qxF '${SSHD_FIRST[0]}' /etc/ssh/sshd_config || sed -i '1i ${SSHD_FIRST.join("\\n")}' /etc/ssh/sshd_config`;

/**
 * NoCloud seed for a cloud image: https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
 * None of the modules is left that run after sshd has started: they look for mirrors, time servers and keys on an
 * internet that the lab has not.
 */
export function cloudInitSeed(node: GuestIdentity, identity: SeedIdentity): SeedFile[] {
  const userData = {
    hostname: node.name,
    preserve_hostname: false,
    prefer_fqdn_over_hostname: false,
    disable_root: false,
    ssh_deletekeys: true,
    ssh_keys: {
      ed25519_private: identity.hostKey.privateKey,
      ed25519_public: identity.hostKey.publicKey,
    },
    users: [{ name: "root", lock_passwd: true, ssh_authorized_keys: [identity.authorizedKey] }],
    bootcmd: [FORBID_PASSWORDS],
    // An overlay is as large as its image.
    growpart: { mode: "off" },
    resize_rootfs: false,
    cloud_config_modules: [],
    cloud_final_modules: [],
  };
  const ethernets = Object.fromEntries(
    node.nics.map((nic, index) => [
      nic.device,
      {
        match: { macaddress: nic.mac.toLowerCase() },
        "set-name": nic.device,
        addresses: nic.addresses,
        // cloud-init 22.4 hands "default" to netplan, but chokes on it when it writes NetworkManager's files.
        ...(index === 0 && node.gateway !== undefined && { routes: routesOf(node.gateway, node.gateway6) }),
      },
    ]),
  );
  // JSON is YAML: no quoting to get wrong.
  const userText = `#cloud-config\n${JSON.stringify(userData, null, 1)}\n`;
  const networkText = JSON.stringify({ version: 2, ethernets });
  // cloud-init takes an identity over once for each instance: another one must be another instance.
  const instance = `${node.domain}-${sha256(userText + networkText).slice(0, 12)}`;
  return [
    {
      path: "meta-data",
      mode: "0600",
      content: JSON.stringify({ "instance-id": instance, "local-hostname": node.name }),
    },
    { path: "user-data", mode: "0600", content: userText },
    { path: "network-config", mode: "0600", content: networkText },
  ];
}

/** What scripts/host/seed.sh reads: one line a file, `MODE PATH BASE64`. */
export function seedLines(files: readonly SeedFile[]): string {
  return files
    .map(({ mode, path, content }) => `${mode} ${path} ${Buffer.from(content).toString("base64")}\n`)
    .join("");
}
