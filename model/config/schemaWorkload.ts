/** Schema of a workload: what the real servers run behind a service. */
import { z } from "zod";
import { directive, flag, list, nodeName, optional, required, says } from "./schemaParts";
import { port } from "./schemaService";

/** Of the project's directory, wherever the stack's file lies: Pulumi tells a program nothing of that. */
const textFile = () =>
  directive(1024).regex(/^[A-Za-z0-9_@%+=:,./-]*[A-Za-z0-9_@%+=:,-]$/, {
    error: says(
      "is not a path that the lab can use",
      "use letters, digits and _ @ % + = : , . / - without spaces",
    ),
  });

const MAX_EACH = 128;

export const textFiles = (about: string) =>
  list(textFile(), "files", MAX_EACH).default([]).describe(`${about}; from the project's directory.`);

const packageName = () =>
  z
    .string({ error: says("must be a text", "write the name of a Debian package") })
    .regex(/^[a-z0-9][a-z0-9+.-]+$/, {
      error: says(
        "is not the name of a Debian package",
        "use lower-case letters, digits, + - and . as apt does, without a version",
      ),
    });

export const workload = z.strictObject({
  name: required(nodeName(), "Name of the workload."),
  ports: optional(
    list(port(), "ports", MAX_EACH),
    "Ports that it has to itself, by TCP and UDP: those of its services, and others such as the data ports of FTP.",
    "those of the services that name it",
  ),
  script: optional(
    textFile(),
    "File of a program that is called with start, stop or status on each real server; from the project's directory.",
  ),
  packages: list(packageName(), "packages", MAX_EACH)
    .default([])
    .describe("Debian packages that are built into the stack's image."),
  tls: flag()
    .default(false)
    .describe(
      "Whether its script gets a certificate of the lab's own authority (LVS_TLS_CERTIFICATE, LVS_TLS_KEY), which the client and the checks of its services trust.",
    ),
  certificate: optional(
    textFile(),
    "For `web` only: file with the certificate of its https services, and those between it and its issuer, in PEM.",
    "one of the lab's own authority, which the client trusts",
  ),
  key: optional(
    textFile(),
    "For `web` only: file with the certificate's private key, in PEM and without a passphrase.",
  ),
  files: textFiles("Text files that lie beside the script when it runs"),
});
