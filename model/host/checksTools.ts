/** libvirt itself, the accelerator, room for the guests, and versions that were tested. */
import { isKnown, type HostFacts } from "./facts";
import type { Refusal } from "../config/refusal";
import { shellWord } from "../../lib/text";
import { labNodes, type Lab } from "../lab/types";

/** Memory that stays the host's own, MiB. */
const HOST_RESERVE_MIB = 256;
/** Disk that one guest's overlay grows to in a day of drills, MiB. */
const OVERLAY_MIB = 256;

/** Tested versions, [from, below): older ones lack what is used, newer ones are unknown. */
const TESTED: Readonly<Record<string, readonly [string, string]>> = {
  node: ["22.13.0", "25.0.0"],
  pulumi: ["3.200.0", "4.0.0"],
  libvirt: ["9.0.0", "13.0.0"],
  qemu: ["7.2.0", "12.0.0"],
  "@pulumi/command": ["1.2.1", "1.3.0"],
  "terraform-provider-libvirt": ["0.9.7", "0.9.8"],
  "terraform-provider": ["1.1.3", "1.2.0"],
};

export function checkHostTools(lab: Lab, facts: HostFacts): Refusal[] {
  return [
    ...libvirtProblems(lab, facts),
    ...acceleratorProblems(lab, facts),
    ...roomProblems(lab, facts),
    ...versionProblems(facts),
  ];
}

function libvirtProblems(lab: Lab, facts: HostFacts): Refusal[] {
  const [{ libvirtUri, remote }] = lab.hosts;
  const { error, missingDirectory, start } = facts.libvirt ?? {};
  if (!isKnown(error)) {
    if (!isKnown(missingDirectory)) return [];
    const message = `${missingDirectory} is missing: no guest would start on a network without DHCP`;
    return [{ key: "libvirtUri", value: libvirtUri, message, fix: `sudo mkdir -p ${missingDirectory}` }];
  }
  const denied = /permission denied|access denied|authentication/i.test(error);
  if (remote !== undefined) {
    const { user, host, port, keyFile } = remote;
    const key = keyFile === undefined ? "" : ` -i ${shellWord(keyFile)}`;
    return [
      {
        key: "libvirtUri",
        value: libvirtUri,
        message: `libvirt does not answer: ${error.trim()}`,
        fix: `make this work without a question: ssh -p ${port}${key} ${shellWord(`${user}@${host}`)} virsh -c qemu:///system uri`,
      },
    ];
  }
  return [
    {
      key: "libvirtUri",
      value: libvirtUri,
      message: `libvirt does not answer: ${error.trim()}`,
      fix: denied
        ? "join the group that may use the socket: sudo usermod -aG libvirt $USER, then log in anew (scripts/lab up does both)"
        : isKnown(start)
          ? `start it: ${start}`
          : "scripts/lab doctor shows what is missing, and scripts/lab up installs it",
    },
  ];
}

function acceleratorProblems(lab: Lab, facts: HostFacts): Refusal[] {
  if (lab.accelerator !== "kvm") return [];
  const message =
    facts.kvmProbe === "fails"
      ? "a probe guest does not boot under KVM, whether or not /dev/kvm exists"
      : facts.kvm === false
        ? "the host has no /dev/kvm"
        : undefined;
  if (message === undefined) return [];
  return [{ key: "accelerator", value: "kvm", message, fix: "use qemu (slow), or auto" }];
}

/** Guests that exist already have their memory and disk. Which ones do, only libvirt can tell. */
function roomProblems(lab: Lab, facts: HostFacts): Refusal[] {
  const domains = facts.libvirt?.domains;
  if (!isKnown(domains)) return [];
  const existing = new Set(domains.map(({ name }) => name));
  const missing = labNodes(lab).filter(({ domain }) => !existing.has(domain));
  if (missing.length === 0) return [];
  const memory = missing.reduce((sum, node) => sum + node.memoryMiB, 0) + HOST_RESERVE_MIB;
  const disk = missing.length * OVERLAY_MIB;
  const { availableMiB } = facts.memory ?? {};
  const free = facts.disk?.availableMiB;
  const problems: Refusal[] = [];
  if (isKnown(availableMiB) && availableMiB < memory) {
    problems.push({
      key: "memory",
      message: `${missing.length} guests need ${memory} MiB with ${HOST_RESERVE_MIB} MiB for the host, and ${availableMiB} MiB are available`,
      fix: "lower memory or realServerCount, or free memory on the host",
    });
  }
  if (isKnown(free) && free < disk) {
    const path = facts.disk?.path ?? "the image directory";
    problems.push({
      key: "host.disk",
      value: path,
      message: `${missing.length} guests need ${disk} MiB, and ${free} MiB are free`,
      fix: `free space on the file system of ${path}`,
    });
  }
  return problems;
}

/** Of the tools whose tested versions are known; what could not be read is no problem. */
export function versionProblems({ versions = {} }: HostFacts): Refusal[] {
  return Object.entries(versions).flatMap(([tool, found]) => {
    const range = TESTED[tool];
    if (
      found === null ||
      range === undefined ||
      (compare(found, range[0]) >= 0 && compare(found, range[1]) < 0)
    )
      return [];
    return [
      {
        key: `host.${tool}`,
        value: found,
        message: `is outside the tested versions: from ${range[0]}, below ${range[1]}`,
        fix: `install a version of ${tool} in that range`,
      },
    ];
  });
}

/** Numbers in versions by their value, whatever letter they begin with. */
const compare = (a: string, b: string): number =>
  a.replace(/^\D+/, "").localeCompare(b, "en", { numeric: true });
