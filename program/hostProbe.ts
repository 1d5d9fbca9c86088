import { local } from "@pulumi/command";
import { version as commandVersion } from "@pulumi/command/package.json";
import * as pulumi from "@pulumi/pulumi";
import { scriptWord } from "../lib/scripts";
import { askEach } from "../lib/askEach";
import { checkHost, type HostFacts } from "../model/host/checks";
import { readFacts } from "../model/host/facts";
import { formatRefusals, type Refusal } from "../model/config/config";
import { isHostKey, listedKey } from "../model/config/hosts";
import { labsByHost } from "../model/lab/hosts";
import { guestsOf, type Lab, type LibvirtHost } from "../model/lab/types";
import { imagePackages } from "../model/guest/imagePackages";
import { isAbsent } from "./absence";
import { refusal } from "./refusal";

/** What a command on this host prints, without the white space around it. */
export async function hostScript(
  command: string,
  environment: Record<string, string> = {},
  stdin?: string,
): Promise<string> {
  const { stdout } = await local.run({
    command,
    environment,
    ...(stdin !== undefined && { stdin }),
    logging: "none",
    addPreviousOutputInEnv: false,
  });
  return stdout.trim();
}

/** What kind of domain the guests are. `auto`: KVM only after a real kernel has booted under it. */
export async function probeAccelerator(lab: Lab): Promise<"kvm" | "qemu"> {
  if (lab.accelerator !== "auto") return lab.accelerator;
  if (guestsOf(lab).length === 0) return "qemu";
  return (await hostScript(`bash ${scriptWord("host/accelerator.sh")}`)) === "kvm" ? "kvm" : "qemu";
}

/**
 * Refuses, before any resource, what a libvirt host cannot carry. Of another host only what its libvirt says is known.
 * @throws pulumi.RunError with every problem at once
 */
export async function assertHost(lab: Lab): Promise<void> {
  // Nothing of libvirt's is needed for machines alone.
  if (guestsOf(lab).length === 0) return;
  const asked = labsByHost(lab).filter(({ hosts: [host] }) => !isAbsent(host));
  const problems = await askEach(asked, async (here) => {
    const [host] = here.hosts;
    const found = checkHost(here, await factsOf(here, host, here === asked[0]));
    return host.name === "" ? found : found.map((each) => ofListed(each, lab, host));
  });
  if (problems.flat().length > 0) throw refusal(formatRefusals(problems.flat()));
}

/** A refusal of one of the listed hosts, by the key that it has there. */
function ofListed(found: Refusal, { hosts }: Lab, host: LibvirtHost): Refusal {
  // It is about this host's file.
  if (found.key === "host.privateKey") return found;
  const index = hosts.findIndex(({ name }) => name === host.name);
  const key = isHostKey(found.key) ? listedKey(found.key, index) : found.key;
  const away = found.key === "libvirtUri" && host.remote !== undefined;
  const fix = away
    ? `${found.fix}; while it is away, docs/howto/several-hosts.md says how to change the rest`
    : found.fix;
  return { ...found, key, message: `on ${host.name}, ${found.message}`, fix };
}

/** @param first whether the image is asked about too, which is this host's for all of them */
async function factsOf(lab: Lab, { libvirtUri, remote }: LibvirtHost, first: boolean): Promise<HostFacts> {
  const keyFile = remote?.keyFile;
  const packages = imagePackages(lab);
  const facts = readFacts(
    await hostScript(`bash ${scriptWord("host/facts.sh")}`, {
      LVS_DR_LIBVIRT_URI: libvirtUri,
      ...(packages.length > 0 && { LVS_DR_IMAGE_PACKAGES: packages.join(" ") }),
      ...(lab.image &&
        first && { LVS_DR_IMAGE: lab.image.path, LVS_DR_IMAGE_SHA256: lab.image.sha256 ?? "" }),
      ...(keyFile !== undefined && { LVS_DR_PRIVATE_KEY: keyFile }),
    }),
  );
  const { image, missingImage, libvirt, privateKey, ...ofThisHost } = facts;
  const versions = { ...facts.versions, node: process.versions.node, "@pulumi/command": commandVersion };
  const known = remote === undefined ? ofThisHost : {};
  return { ...known, libvirt, privateKey, ...(first && { image, missingImage }), versions };
}

/**
 * Waits for everything that is asserted.
 * @throws pulumi.RunError with the problems of all of them; of other errors the first
 */
export async function assertAll(...asserted: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(asserted);
  const reasons = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  const other = reasons.find((reason) => !pulumi.RunError.isInstance(reason));
  if (other !== undefined) throw other;
  const messages = reasons.map((reason) => (reason as Error).message);
  if (messages.length > 0) throw refusal(messages.join("\n"));
}
