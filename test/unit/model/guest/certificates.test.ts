import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { authority, serverCertificate } from "../../../../model/guest/certificates";

const SECRET = "s".repeat(64);
const of = (node: string, secret = SECRET) =>
  serverCertificate(secret, "lvs-dr-dev", node, ["10.0.0.100", "192.168.7.10"], ["www.example.com"]);
const ca = new X509Certificate(authority(SECRET, "lvs-dr-dev").certificate);

it("the same secret gives the same bytes, another one or another server others", () => {
  expect(of("rs1")).toEqual(of("rs1"));
  expect(authority(SECRET, "lvs-dr-dev")).toEqual(authority(SECRET, "lvs-dr-dev"));
  const serials = [of("rs1"), of("rs2"), of("rs1", "t".repeat(64)), authority(SECRET, "lvs-dr-dev")].map(
    ({ certificate }) => new X509Certificate(certificate).serialNumber,
  );
  expect(new Set(serials).size).toBe(4);
  expect(of("rs1").key).not.toBe(of("rs2").key);
});

it("a server's certificate is signed by the authority, for all that it is asked by, and belongs to its key", () => {
  const { certificate, key } = of("rs1");
  const read = new X509Certificate(certificate);
  expect(read.checkIssued(ca)).toBe(true);
  expect(read.verify(ca.publicKey)).toBe(true);
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  for (const address of ["10.0.0.100", "192.168.7.10"]) expect(read.checkIP(address)).toBe(address);
  for (const name of ["rs1", "www.example.com"]) expect(read.checkHost(name)).toBe(name);
  expect(read.checkIP("10.0.0.101")).toBeUndefined();
  expect([ca.ca, read.ca]).toEqual([true, false]);
  expect(Date.parse(read.validTo)).toBeGreaterThan(Date.parse("2049-12-30"));
});
