/** Machines that exist: what they are asked before any resource, and how they are reached. */
import { readFileSync, statSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { askEach } from "../lib/askEach";
import { readScript } from "../lib/scripts";
import { GuestShell, type ShellResult } from "../lib/ssh";
import { formatRefusals, type Refusal } from "../model/config/refusal";
import { machineQuestion } from "../model/guest/payload";
import { machineLogins } from "../model/lab/access";
import { labNodes, type Lab, type LabNode } from "../model/lab/types";
import { refusal } from "./refusal";

/** Seconds for a machine's answer. */
const ANSWER_LIMIT = 60;

function keyFiles(lab: Lab): string[] {
  const all = labNodes(lab).flatMap(({ ssh }) => [ssh?.keyFile, ssh?.jump?.keyFile]);
  return [...new Set(all.filter((file) => file !== undefined))];
}

/** The private keys that open machines and libvirt's other hosts, by their files; secret. */
export function privateKeys(lab: Lab): Readonly<Record<string, pulumi.Output<string>>> {
  const ofHosts = lab.hosts.flatMap(({ remote }) => remote?.keyFile ?? []);
  const files = new Set([...keyFiles(lab), ...ofHosts]);
  return Object.fromEntries([...files].map((file) => [file, pulumi.secret(readFileSync(file, "utf8"))]));
}

/** Why a private key cannot be used; undefined when it can. */
function keyFault(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return "is not there";
  if ((found.mode & 0o077) !== 0) return `has mode 0${(found.mode & 0o777).toString(8)}: others can read it`;
  try {
    readFileSync(file);
    return undefined;
  } catch {
    return "cannot be read";
  }
}

/** What one machine has said: its NICs by address, and why it cannot have its role. */
function readAnswer(node: LabNode, text: string): { readonly node: LabNode; readonly refused: string[] } {
  const lines = text.split("\n");
  const found = new Map(
    lines.flatMap((line) => {
      const [, address, device, mac] = /^nic=(\S+) (\S+) (\S+)$/.exec(line) ?? [];
      return address === undefined ? [] : [[address, { device: device ?? "", mac: mac ?? "" }] as const];
    }),
  );
  const nics = node.nics.map((nic) => ({ ...nic, ...found.get(nic.addresses[0] ?? "") }));
  const refused = lines.flatMap((line) =>
    line.startsWith("refused=") ? [line.slice("refused=".length)] : [],
  );
  return { node: { ...node, nics }, refused };
}

/**
 * Asks every machine what it has, and whether it may have its role.
 * @returns the lab with the machines' devices and MAC addresses
 * @throws pulumi.RunError with what speaks against it on any of them
 */
export async function findMachines(lab: Lab): Promise<Lab> {
  const machines = labNodes(lab).filter(({ ssh }) => ssh !== undefined);
  if (machines.length === 0) return lab;
  const faults = keyFiles(lab).flatMap((value): Refusal[] => {
    const message = keyFault(value);
    const fix = `name the private key's file, which its owner alone may read: chmod 600 ${value}`;
    return message === undefined ? [] : [{ key: "ssh.keyFile", value, message, fix }];
  });
  if (faults.length > 0) throw refusal(formatRefusals(faults));
  const shell = new GuestShell({ privateKey: "", hosts: machineLogins(lab) }, lab);
  try {
    const asked = await askEach(machines, (node) => ask(shell, lab, node));
    const problems = asked.flatMap(({ node, refused }): Refusal[] =>
      refused.map((message) => ({ key: `${node.name}.ssh`, value: node.ssh?.host ?? "", message, fix: FIX })),
    );
    if (problems.length > 0) throw refusal(formatRefusals(problems));
    const byName = new Map(asked.map(({ node }) => [node.name, node]));
    const located = <T extends readonly LabNode[]>(nodes: T): T =>
      nodes.map((node) => byName.get(node.name) ?? node) as unknown as T;
    return {
      ...lab,
      clients: located(lab.clients),
      routers: located(lab.routers),
      directors: located(lab.directors),
      realServers: located(lab.realServers),
    };
  } finally {
    await shell.close();
  }
}

const FIX = "see docs/howto/existing-machines.md; nothing was changed on any machine";

async function ask(shell: GuestShell, lab: Lab, node: LabNode) {
  const asked = (): Promise<ShellResult> =>
    shell.run(node.name, "bash -s", { stdin: machineQuestion(lab, node, readScript), timeout: ANSWER_LIMIT });
  const first = await asked();
  // SSH's own failures may be over a moment later.
  const { code, stdout, stderr } = first.code === 255 ? await asked() : first;
  if (code === 0) return readAnswer(node, stdout);
  // A sentence of SSH's ends in ours.
  const words = (stderr.split("\n").at(-1) ?? "").replace(/\.$/, "");
  const refused =
    code === null
      ? `does not answer within ${ANSWER_LIMIT} s`
      : /^sudo:/.test(words)
        ? `${node.ssh?.user} is not root, and sudo does not let it in without a password: ${words}`
        : `cannot be asked by SSH (${code}): ${words}`;
  return { node, refused: [refused] };
}
