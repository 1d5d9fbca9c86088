/** libvirt's objects and the files behind them: what exists must be ours, and what is needed must exist. */
import { imagePackages } from "../guest/imagePackages";
import type { Refusal } from "../config/refusal";
import { isKnown, type HostFacts, type LibvirtObject } from "./facts";
import { poolPath } from "../lab/naming";
import { shellWord } from "../../lib/text";
import { labNodes, type Lab } from "../lab/types";

export function checkHostObjects(lab: Lab, facts: HostFacts): Refusal[] {
  return [
    ...takenNames(lab, facts),
    ...poolProblems(lab, facts),
    ...imageProblems(lab, facts),
    ...keyProblems(facts),
  ];
}

/** How a person calls virsh for this lab: an URI with options has characters that a shell would take for its own. */
const virshOf = ({ hosts: [{ libvirtUri }] }: Lab): string => `virsh -c ${shellWord(libvirtUri)}`;

/**
 * Objects with our names that another stack, or nobody we know, made. A guest says in its title whose it is, a network
 * by its bridge, a pool by its directory. Whether a volume is this stack's own cannot be told here: the engine refuses
 * one that it did not make when it comes to it.
 */
function takenNames(lab: Lab, facts: HostFacts): Refusal[] {
  const us = `${lab.project}/${lab.stack}`;
  const uri = virshOf(lab);
  const { domains, networks, pools } = facts.libvirt ?? {};
  const check = (kind: string, key: string, found: LibvirtObject | undefined, remove: string): Refusal[] => {
    if (found === undefined || found.owner === undefined || found.owner === us) return [];
    const owner = found.owner === null ? "nobody that the project knows" : `stack ${found.owner}`;
    return [
      {
        key,
        value: found.name,
        message: `the libvirt ${kind} exists already and belongs to ${owner}`,
        fix: `choose another stack name, or delete it: ${uri} ${remove}`,
      },
    ];
  };
  return [
    ...labNodes(lab).flatMap(({ domain }) =>
      check(
        "domain",
        "host.domain",
        domains?.find(({ name }) => name === domain),
        `undefine ${domain} --snapshots-metadata`,
      ),
    ),
    ...Object.values(lab.segments)
      .filter(({ existingBridge }) => existingBridge === undefined)
      .flatMap(({ name, bridge }) =>
        check(
          "network",
          "host.network",
          (networks ?? [])
            .filter((network) => network.name === name)
            .map((network) =>
              isKnown(network.bridge) && network.bridge !== bridge ? { ...network, owner: null } : network,
            )[0],
          `net-undefine ${name}`,
        ),
      ),
    ...(pools ?? [])
      .filter(({ name, path }) => lab.pool === undefined && name === lab.prefix && isKnown(path))
      .filter(({ path }) => path !== poolPath(lab.prefix))
      .flatMap((pool) =>
        check("storage pool", "host.pool", { ...pool, owner: null }, `pool-undefine ${pool.name}`),
      ),
  ];
}

function poolProblems(lab: Lab, facts: HostFacts): Refusal[] {
  const name = lab.pool;
  const pools = facts.libvirt?.pools;
  if (name === undefined || !isKnown(pools)) return [];
  const found = pools.find((pool) => pool.name === name);
  const virsh = virshOf(lab);
  if (found === undefined) {
    const known = pools.length === 0 ? "" : ` (there are ${pools.map((pool) => pool.name).join(", ")})`;
    const fix = `make it: ${virsh} pool-define-as ${name} dir --target ${poolPath(name)} && ${virsh} pool-build ${name} && ${virsh} pool-start ${name}`;
    return [{ key: "pool", value: name, message: `is not a storage pool of libvirt${known}`, fix }];
  }
  if (found.active !== false) return [];
  return [
    { key: "pool", value: name, message: "is not active", fix: `start it: ${virsh} pool-start ${name}` },
  ];
}

function imageProblems(lab: Lab, { image, libvirt, missingImage }: HostFacts): Refusal[] {
  const key = "image";
  if (lab.image === undefined && isKnown(missingImage)) {
    const message = `the guest image is not built: ${missingImage} is missing or incomplete`;
    const command = ["scripts/lab image", ...imagePackages(lab)].join(" ");
    return [{ key, message, fix: `build it, which takes about a minute: ${command}` }];
  }
  if (lab.image === undefined || image === undefined) return [];
  const value = lab.image.path;
  if (/^https?:/i.test(value)) {
    const fix =
      "download it below /var/lib/libvirt/images and write that path; imageSha256 is checked there too";
    return [{ key, value, message: "is not on this host", fix }];
  }
  if (image.kind !== "file") {
    const found = {
      missing: "nothing is there",
      directory: "a directory is there",
      other: "no regular file is there",
    };
    return [
      { key, value, message: `is not a file: ${found[image.kind]}`, fix: "write the path of a qcow2 file" },
    ];
  }
  const problems: Refusal[] = [];
  if (isKnown(image.format) && image.format !== "qcow2") {
    const fix = `convert it: qemu-img convert -O qcow2 ${value} ${value}.qcow2`;
    problems.push({ key, value, message: `is ${image.format}, and qcow2 is required`, fix });
  }
  const wanted = lab.image.sha256;
  if (wanted !== undefined && isKnown(image.sha256) && image.sha256 !== wanted) {
    const message = `is not the expected file: its SHA-256 is ${image.sha256}`;
    problems.push({
      key: "imageSha256",
      value: wanted,
      message,
      fix: "download the image again, or correct the digest",
    });
  }
  if (isKnown(image.untraversable)) {
    const user = libvirt?.qemuUser ?? "libvirt-qemu";
    const message = `cannot be read by QEMU: ${user} may not enter ${image.untraversable}`;
    const fix = `move it below /var/lib/libvirt/images, or: setfacl -m u:${user}:x ${image.untraversable}`;
    problems.push({ key, value, message, fix });
  }
  return problems;
}

/** Only owner access, and a key that needs nobody at the keyboard. */
function keyProblems({ privateKey }: HostFacts): Refusal[] {
  if (privateKey === undefined) return [];
  const { path, kind, mode } = privateKey;
  const key = "host.privateKey";
  if (kind !== "private") {
    const what = {
      missing: "does not exist",
      public: "is the public key, and the private one is needed",
      encrypted: "is encrypted, and nobody is there to type its passphrase",
      other: "is not a private key",
    }[kind];
    const fix =
      kind === "encrypted"
        ? `remove the passphrase: ssh-keygen -p -f ${path}`
        : "name a private key without passphrase";
    return [{ key, value: path, message: what, fix }];
  }
  if (!isKnown(mode) || (parseInt(mode, 8) & 0o077) === 0) return [];
  return [{ key, value: path, message: `has mode ${mode}: others can read it`, fix: `chmod 600 ${path}` }];
}
