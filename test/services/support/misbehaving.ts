/** Servers that misbehave, and certificates that only a test's own authority vouches for. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Make } from "./servers";

/** Says `greeting` to each connection, or nothing, and then keeps it open; a line of its output for each. */
const SILENT = `
use strict; use IO::Socket::INET; use IO::Select;
my ($address, $port, $greeting) = @ARGV;
my $socket = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 100, ReuseAddr => 1) or die "$!";
$| = 1; $SIG{PIPE} = "IGNORE";
my $select = IO::Select->new($socket);
while (1) {
  for my $ready ($select->can_read) {
    if ($ready == $socket) { my $new = $socket->accept or next; print "asked\\n"; $new->syswrite($greeting); $select->add($new); }
    elsif (!$ready->sysread(my $text, 4096)) { $select->remove($ready); $ready->close; }
  }
}`;

export const silent =
  (greeting = ""): Make =>
  ({ address, port }) => ({ command: ["perl", "-e", SILENT, address, String(port), greeting] });

/** Takes mail, and writes down what it is told; refuses an address that begins with "no". */
const SINK = `
use strict; use IO::Socket::INET;
my $socket = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => 25, Listen => 100, ReuseAddr => 1) or die "$!";
$| = 1; $SIG{CHLD} = "IGNORE";
while (my $client = $socket->accept) {
  next if fork();
  my $say = sub { $client->syswrite("$_[0]\\r\\n") };
  $say->("220 sink");
  while (my $line = <$client>) {
    $line =~ s/\\r?\\n//;
    print "$line\\n" if $line =~ /^(MAIL|RCPT)/;
    if ($line =~ /^RCPT TO:<no/) { $say->("550 nobody"); next; }
    if ($line eq "QUIT") { $say->("221 bye"); exit; }
    if ($line ne "DATA") { $say->("250 ok"); next; }
    $say->("354 go on");
    while (defined(my $text = <$client>)) { $text =~ s/\\r?\\n//; last if $text eq "."; print "| $text\\n"; }
    $say->("250 taken");
  }
  exit;
}`;

export const mailSink = (address: string): string[] => ["perl", "-e", SINK, address];

export interface Own {
  /** The authority's certificate. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for a name, by an authority that nobody knows. */
export function ownCertificate(name: string): Own {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-certificates-"));
  const openssl = (...words: string[]): void => {
    const { status, stderr } = spawnSync("openssl", words, { cwd: directory, encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl ${words.join(" ")}: ${stderr}`);
  };
  const fresh = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...fresh, "-subj", "/CN=own authority", "-keyout", "ca.key", "-out", "ca.pem");
  openssl("req", ...fresh.slice(0, 3), "-subj", `/CN=${name}`, "-keyout", "key.pem", "-out", "request.pem");
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", "request.pem", ...signing, "-out", "certificate.pem");
  const [ca = "", certificate = "", key = ""] = ["ca.pem", "certificate.pem", "key.pem"].map((file) =>
    readFileSync(join(directory, file), "utf8"),
  );
  rmSync(directory, { recursive: true });
  return { ca, certificate, key };
}
