import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { KEY_SECRET, sshKeyPair } from "../model/guest/sshKey";
import type { Lab } from "../model/lab/types";

/** The key pair that opens every guest of a stack: its private half is secret, its public half is not. */
export function loginKey(lab: Lab): {
  privateKey: pulumi.Output<string>;
  authorizedKey: pulumi.Output<string>;
} {
  const { result } = new random.RandomPassword("ssh-key", KEY_SECRET);
  const pair = result.apply((text) => sshKeyPair(text, lab.prefix));
  return {
    privateKey: pulumi.secret(pair.apply(({ privateKey }) => privateKey)),
    authorizedKey: pulumi.unsecret(pair.apply(({ publicKey }) => publicKey)),
  };
}
