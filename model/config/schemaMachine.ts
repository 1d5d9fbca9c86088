/** A machine that exists: how the configuration says it. */
import { z } from "zod";
import { directive, integer, optional, required, says } from "./schemaParts";

export const hostKey = () =>
  directive(1024).regex(/^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) AAAA[A-Za-z0-9+/]+={0,2}( .*)?$/, {
    error: says(
      "is not an Ed25519 or ECDSA public key",
      "write what `ssh-keyscan -t ed25519 HOST` prints after the host's name",
    ),
  });

/** A comment at the end of a key is for people. */
export const bareKey = (key: string | undefined): string | undefined => key?.split(" ").slice(0, 2).join(" ");

const login = {
  user: directive(64)
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, { error: says("is not a user's name", "write one such as root") })
    .default("root")
    .describe("Who logs in: root, or a user whose sudo asks for no password."),
  port: integer(1, 65535).default(22).describe("Port of its SSH server."),
  keyFile: optional(
    directive(4096).regex(/^\//, { error: says("is not an absolute path", "write /path/to/key") }),
    "File of the private key that opens it, on the host that the program runs on.",
    "the keys of the SSH agent",
  ),
  hostKey: required(hostKey(), "Its public SSH host key; it must show this one."),
};
const host = () =>
  directive(255).regex(/^[A-Za-z0-9:][A-Za-z0-9:._-]*$/, {
    error: says("is not a host's name or address", "write one such as 192.168.7.10"),
  });

export const machine = optional(
  z.strictObject({
    host: optional(host(), "Name or address at which it is reached.", "address"),
    ...login,
    jump: optional(
      z.strictObject({
        host: required(host(), "Name or address of the machine on the way."),
        ...login,
      }),
      "The machine through which it is reached, and no other way.",
    ),
  }),
  "A machine that exists has this role, and no guest is made for it: docs/howto/existing-machines.md.",
);
