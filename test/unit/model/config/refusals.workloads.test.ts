/** What is refused of workloads, word for word. */
import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { authority } from "../../../../model/guest/certificates";
import { expectRefusals, refusalOf } from "./refusals";

const { certificate, key } = authority("x".repeat(64), "lab");
const locked = generateKeyPairSync("ed25519").privateKey.export({
  ...{ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" },
}) as string;
const smtp = { name: "smtp", ports: [25, 587], script: "smtp.sh" };
const atMail = { name: "mail", port: 25, workload: "smtp" };
const web = { name: "web", certificate: "cert.pem", key: "key.pem" };

expectRefusals("workloads", [
  {
    name: "names that are missing, known already or not known at all",
    raw: { workloads: [{}, smtp, { ...smtp, ports: [26] }], services: [{ ...atMail, workload: "smpt" }] },
    lines: [
      "workloads[0].name: is missing. Fix: write the name that services call it by.",
      'workloads[2].name = "smtp": is the name of workloads[1] too. Fix: choose another name.',
      'services[0].workload = "smpt": is not a workload of the lab. Fix: write smtp.',
    ],
  },
  {
    name: "a port of two workloads, SSH's, and one whose service is another's",
    raw: {
      workloads: [
        { ...smtp, ports: [25, 22] },
        { name: "other", ports: [25, 80] },
      ],
      services: [{ name: "dns", port: 25, protocol: "udp" }],
    },
    lines: [
      "workloads[0].ports[1] = 22: is SSH's port, through which the guests are configured. Fix: choose another port.",
      "workloads[1].ports[0] = 25: belongs to workload smtp (workloads[0].ports[0]), and a port is one workload's alone. Fix: remove it from one of the two.",
      "port = 80: belongs to workload other (workloads[1].ports[1]), and main is served by web. Fix: set the service's workload to other, or choose another port.",
      "services[0].port = 25: belongs to workload smtp (workloads[0].ports[0]), and dns is served by none. Fix: set the service's workload to smtp, or choose another port.",
    ],
  },
  {
    name: "a service at a port that its workload does not list",
    raw: { workloads: [smtp], services: [{ ...atMail, port: 465 }] },
    lines: [
      "services[0].port = 465: is not among the ports of workload smtp. Fix: add 465 to them, or choose another port.",
    ],
  },
  {
    name: "a port that two services have by workloads without a list",
    raw: {
      workloads: [{ name: "a" }, { name: "b" }],
      services: [
        { name: "one", port: 25, workload: "a" },
        { name: "two", port: 25, vip: "10.0.0.101", workload: "b" },
      ],
    },
    lines: [
      "services[1].port = 25: belongs to workload a (services[0].port), and two is served by b. Fix: set the service's workload to a, or choose another port.",
    ],
  },
  {
    name: "what is not for the built-in one, and what is for that alone",
    raw: {
      workloads: [
        { name: "web", script: "w.sh", ports: [80], tls: true },
        { ...smtp, key: "k" },
      ],
    },
    lines: [
      "workloads[0].ports: is for a workload of your own: web is the built-in one. Fix: remove it, or give the workload another name.",
      "workloads[0].script: is for a workload of your own: web is the built-in one. Fix: remove it, or give the workload another name.",
      "workloads[0].tls: is for a workload of your own: web is the built-in one. Fix: remove it, or give the workload another name.",
      "workloads[1].key: is for the built-in workload web. Fix: remove it; a script finds what it needs among its files.",
    ],
  },
  {
    name: "packages and paths that are none",
    raw: {
      workloads: [{ ...smtp, packages: ["exim4=4.96", "-y"], files: ["a b"] }],
    },
    lines: [
      'workloads[0].packages[0] = "exim4=4.96": is not the name of a Debian package. Fix: use lower-case letters, digits, + - and . as apt does, without a version.',
      'workloads[0].packages[1] = "-y": is not the name of a Debian package. Fix: use lower-case letters, digits, + - and . as apt does, without a version.',
      'workloads[0].files[0] = "a b": is not a path that the lab can use. Fix: use letters, digits and _ @ % + = : , . / - without spaces.',
    ],
  },
  {
    name: "files of one name, one that cannot be read, and a script that nothing runs",
    raw: { workloads: [{ ...smtp, files: ["x/f", "y/f"] }] },
    files: { "smtp.sh": { text: "echo" }, "x/f": { fault: "is not there" } },
    lines: [
      'workloads[0].files[1] = "y/f": has the same name as files[0], and all of them lie in one directory. Fix: rename one of the two files.',
      'workloads[0].script = "smtp.sh": does not begin with #!, by which the kernel knows what runs it. Fix: begin it with a line such as #!/bin/bash.',
      'workloads[0].files[0] = "x/f": is not there. Fix: name a text file by its path from the project\'s directory.',
    ],
  },
  {
    name: "https and http at one port of the web server",
    raw: {
      services: [
        { name: "tls", port: 443 },
        { name: "plain", port: 443, vip: "10.0.0.101", healthCheck: { service: "http" } },
      ],
    },
    lines: [
      'services[1].healthCheck.service = "http": makes plain http, and tls at port 443 is https. Fix: check both by the same service, or choose another port.',
    ],
  },
  {
    name: "a certificate without its key",
    raw: { workloads: [{ name: "web", certificate: "cert.pem" }] },
    lines: ["workloads[0].key: is missing: a certificate needs its key. Fix: name both files, or neither."],
  },
]);

it.each([
  ["certificate: holds no certificate in PEM", key, key],
  ["key: holds no private key in PEM", certificate, certificate],
  ["key: is locked by a passphrase", certificate, locked],
  ["key: is not the key of the certificate", certificate, authority("y".repeat(64), "lab").key],
])("a certificate and a key that are no pair: %s, of which nothing is shown", (message, first, second) => {
  const fix = "name the certificate's file and that of its key, without a passphrase";
  const files = { "cert.pem": { text: first }, "key.pem": { text: second } };
  expect(refusalOf({ workloads: [web] }, files)).toEqual([`workloads[0].${message}. Fix: ${fix}.`]);
});

it("what is right: ports by a list or by services, dns by UDP and TCP, a certificate with its key", () => {
  const files = { "cert.pem": { text: certificate }, "key.pem": { text: key } };
  const dns = { port: 53, workload: "dns" };
  const lab = parseConfig(
    {
      workloads: [smtp, { name: "dns" }, web],
      services: [
        atMail,
        { ...dns, name: "udp", protocol: "udp" },
        { ...dns, name: "tcp", healthCheck: { request: "a.example.com", receive: "1" } },
      ],
    },
    { project: "lvs-dr", stack: "dev" },
    (path) => (path in files ? files[path as keyof typeof files] : { text: "#!/bin/sh\n" }),
  );
  expect(lab.workloads?.map(({ name, ports }) => [name, ports])).toEqual([
    ["smtp", [25, 587]],
    ["dns", [53]],
  ]);
  expect(lab.web).toEqual({ certificate, key });
  expect(lab.services.map(({ name, workload }) => [name, workload])).toEqual([
    ["main", undefined],
    ["mail", "smtp"],
    ["udp", "dns"],
    ["tcp", "dns"],
  ]);
});
