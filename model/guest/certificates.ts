/** The lab's own certificate authority and the real servers' certificates, from one secret: the same one always gives the same bytes. */
import { createHash, createPublicKey, sign, type KeyObject } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { ed25519Key } from "./sshKey";

/** PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** Fixed, so that no `up` makes another certificate. */
const NOT_BEFORE = new Date("2025-01-01T00:00:00Z");
const NOT_AFTER = new Date("2049-12-31T23:59:59Z");
/** RFC 8410. */
const ED25519 = new AlgorithmIdentifier({ algorithm: "1.3.101.112" });
const COMMON_NAME = "2.5.4.3";

interface Subject {
  readonly name: string;
  readonly key: KeyObject;
}

/**
 * The lab's authority: its certificate is public, and is what clients trust.
 * @param secret text as KEY_SECRET says
 * @param name of the lab
 */
export function authority(secret: string, name: string): CertificateAndKey {
  const own = authorityOf(secret, name);
  return asPem(
    own,
    signed(own, own, [caConstraints(), usage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)]),
  );
}

/**
 * A real server's certificate, signed by the lab's authority.
 * @param node its name, from which its key follows too
 * @param addresses and DNS names by which it is asked, beside its own name
 */
export function serverCertificate(
  secret: string,
  lab: string,
  node: string,
  addresses: readonly string[],
  names: readonly string[],
): CertificateAndKey {
  const own: Subject = { name: node, key: keyOf(secret, `server ${node}`) };
  const alternatives = [
    ...[node, ...names].map((dNSName) => new GeneralName({ dNSName })),
    ...addresses.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const extensions = [
    extension(id_ce_subjectAltName, new SubjectAlternativeName(alternatives)),
    usage(KeyUsageFlags.digitalSignature),
  ];
  return asPem(own, signed(authorityOf(secret, lab), own, extensions));
}

const authorityOf = (secret: string, name: string): Subject => ({
  name: `${name} CA`,
  key: keyOf(secret, "authority"),
});

function keyOf(secret: string, purpose: string): KeyObject {
  return ed25519Key(createHash("sha256").update(`${purpose}\0${secret}`).digest());
}

function nameOf({ name }: Subject): Name {
  const value = new AttributeValue({ utf8String: name });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

const caConstraints = (): Extension =>
  extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true);
const usage = (flags: number): Extension => extension(id_ce_keyUsage, new KeyUsage(flags), true);

const spkiOf = ({ key }: Subject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" });

/** Any digest of the public key will do. */
const keyIdentifier = (of: Subject): ArrayBuffer =>
  new Uint8Array(createHash("sha256").update(spkiOf(of)).digest().subarray(0, 20)).buffer;

function signed(issuer: Subject, subject: Subject, extensions: readonly Extension[]): Buffer {
  const issuerKey = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuer)) });
  const all = [
    ...extensions,
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(subject))),
    extension(id_ce_authorityKeyIdentifier, issuerKey),
  ];
  const certificate = (serialNumber: Buffer): TBSCertificate =>
    new TBSCertificate({
      version: Version.v3,
      serialNumber: new Uint8Array(serialNumber).buffer,
      signature: ED25519,
      issuer: nameOf(issuer),
      validity: new Validity({ notBefore: NOT_BEFORE, notAfter: NOT_AFTER }),
      subject: nameOf(subject),
      subjectPublicKeyInfo: AsnConvert.parse(spkiOf(subject), SubjectPublicKeyInfo),
      extensions: new Extensions(all),
    });
  // Of one authority no two certificates may have the same number: it follows from all the rest.
  const rest = Buffer.from(AsnConvert.serialize(certificate(Buffer.of(1))));
  const number = createHash("sha256").update(rest).digest().subarray(0, 16);
  number[0] = ((number[0] ?? 0) & 0x7f) | 0x40;
  const tbsCertificate = certificate(number);
  const signatureValue = sign(null, Buffer.from(AsnConvert.serialize(tbsCertificate)), issuer.key);
  return Buffer.from(
    AsnConvert.serialize(
      new Certificate({
        tbsCertificate,
        signatureAlgorithm: ED25519,
        signatureValue: new Uint8Array(signatureValue).buffer,
      }),
    ),
  );
}

function asPem({ key }: Subject, der: Buffer): CertificateAndKey {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    certificate: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
    key: key.export({ format: "pem", type: "pkcs8" }) as string,
  };
}
