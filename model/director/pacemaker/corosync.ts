/** corosync.conf: the two directors hear each other by knet on the server segment, encrypted. */
import type { Lab } from "../../lab/types";
import { TOKEN } from "../../config/schemaHighAvailability";
import { pairOf } from "../connectionSync";

/** @returns its text, the same on both */
export function renderCorosync(lab: Lab): string {
  const nodes = lab.directors.flatMap(({ name, address }, index) => [
    "  node {",
    `    ring0_addr: ${address}`,
    `    name: ${name}`,
    `    nodeid: ${index + 1}`,
    "  }",
  ]);
  return [
    "# Written by the lab.",
    "totem {",
    "  version: 2",
    `  cluster_name: ${lab.prefix}`,
    "  transport: knet",
    "  crypto_cipher: aes256",
    "  crypto_hash: sha256",
    "  keyfile: /etc/corosync/authkey",
    `  token: ${pairOf(lab).token ?? TOKEN}`,
    "}",
    "nodelist {",
    ...nodes,
    "}",
    // One of two goes on alone, when it has had the other one powered off; one that boots waits until it has heard the other.
    "quorum {",
    "  provider: corosync_votequorum",
    "  two_node: 1",
    "  wait_for_all: 1",
    "}",
    "logging {",
    "  to_logfile: no",
    "  to_syslog: yes",
    "}",
    "",
  ].join("\n");
}
