import { expect, it } from "vitest";
import { isOnAny, withoutResources, type HostPlace } from "../../../lib/hostPlace";
import { secret, type Properties } from "../../../lib/properties";

const FAR = { libvirtUri: "qemu+ssh://root@far:2222/system", address: "far", port: 2222 } satisfies HostPlace;
const PROVIDER = "urn:pulumi:dev::p::pulumi:providers:libvirt::far";
const all = [{ urn: PROVIDER, inputs: { uri: FAR.libvirtUri } }];
const isOn = (inputs: Properties, provider = ""): boolean => isOnAny([FAR], { inputs, provider }, all);

it("a libvirt object is on its provider's host, and the provider itself on none other", () => {
  expect(isOn({ name: "rs2" }, `${PROVIDER}::id`)).toBe(true);
  expect(isOn({ name: "rs1" }, "urn:pulumi:dev::p::pulumi:providers:libvirt::near::id")).toBe(false);
  expect(isOn({ uri: FAR.libvirtUri })).toBe(true);
  expect(isOn({ uri: "qemu:///system" })).toBe(false);
});

it("a command is where it runs, what is behind it, and whose boot it watches, secrets included", () => {
  expect(isOn({ connection: secret({ host: "far", port: 2222 }) })).toBe(true);
  expect(
    isOn({ connection: secret({ host: "192.168.7.20", port: 22, proxy: { host: "far", port: 2222 } }) }),
  ).toBe(true);
  expect(isOn({ environment: { LVS_DR_LIBVIRT_URI: FAR.libvirtUri } })).toBe(true);
  // Another one behind the same address, as by forwarded ports.
  expect(isOn({ connection: { host: "far", port: 22 } })).toBe(false);
  expect(isOn({ connection: { host: "far" } })).toBe(false);
  expect(isOnAny([], { inputs: { uri: FAR.libvirtUri } }, all)).toBe(false);
});

it("on a machine that exists is what runs there, and not what is reached through it", () => {
  const on = (connection: Properties): boolean =>
    isOnAny([{ address: "10.0.0.7", port: 22 }], { inputs: { connection } }, []);
  expect(on({ host: "10.0.0.7" })).toBe(true);
  expect(on({ host: "10.0.0.8", proxy: { host: "10.0.0.7" } })).toBe(false);
  expect(isOnAny([{ address: "10.0.0.7", port: 22 }], { inputs: { name: "rs2" } }, [])).toBe(false);
});

it("what is dropped from a state is named by nobody, and what did not name it stays the same", () => {
  const [gone, stays] = ["urn:gone", "urn:stays"];
  const same = { urn: stays, dependencies: ["urn:x"], propertyDependencies: { a: ["urn:x"] } };
  const other = {
    urn: "urn:y",
    dependencies: [gone, stays],
    propertyDependencies: { a: [gone], b: [gone, stays] },
  };
  const [first, second, ...none] = withoutResources([{ urn: gone }, same, other], new Set([gone]));
  expect(first).toBe(same);
  expect(second).toEqual({
    urn: "urn:y",
    dependencies: [stays],
    propertyDependencies: { a: [], b: [stays] },
  });
  expect(none).toEqual([]);
});
