import { expect, test } from "vitest";
import { libvirtXml } from "../../../engine/providers/libvirtXml";
import type { Properties } from "../../../lib/properties";

const xml = (...args: Parameters<typeof libvirtXml>): string => libvirtXml(...args).replace(/\n\s*/g, "");

test.each<[string, Parameters<typeof libvirtXml>[0], Properties, string]>([
  [
    "a network",
    "network",
    {
      name: "n",
      bridge: { name: "br", stp: "off", delay: "0" },
      mtu: { size: 1500 },
      dns: { enable: "no" },
      ips: [{ address: "10.0.0.1", prefix: 8 }],
    },
    '<network><name>n</name><bridge name="br" stp="off" delay="0"/><mtu size="1500"/><dns enable="no"/><ip address="10.0.0.1" prefix="8"/></network>',
  ],
  [
    "a pool",
    "pool",
    { name: "p", type: "dir", target: { path: "/p", permissions: { mode: "0711" } } },
    '<pool type="dir"><name>p</name><target><path>/p</path><permissions><mode>0711</mode></permissions></target></pool>',
  ],
  [
    "an overlay",
    "volume",
    {
      name: "v",
      capacity: 5,
      target: { format: { type: "qcow2" } },
      backingStore: { path: "/b", format: { type: "qcow2" } },
    },
    '<volume><name>v</name><capacity>5</capacity><target><format type="qcow2"/></target><backingStore><path>/b</path><format type="qcow2"/></backingStore></volume>',
  ],
  [
    "values beside elements",
    "domain",
    {
      memory: 5,
      memoryUnit: "MiB",
      vcpu: 2,
      vcpuPlacement: "static",
      os: { type: "hvm", typeArch: "x86_64", typeMachine: "pc", bootDevices: [{ dev: "hd" }] },
    },
    '<domain><memory unit="MiB">5</memory><vcpu placement="static">2</vcpu><os><type arch="x86_64" machine="pc">hvm</type><boot dev="hd"/></os></domain>',
  ],
  [
    "presence and yes/no",
    "domain",
    {
      features: { acpi: true, tcg: { tbCache: 128, tbCacheUnit: "MiB" } },
      cpu: { mode: "custom", model: "qemu64", migratable: false },
    },
    '<domain><features><acpi/><tcg><tb-cache unit="MiB">128</tb-cache></tcg></features><cpu mode="custom" migratable="no"><model>qemu64</model></cpu></domain>',
  ],
  [
    "sources that make the type",
    "domain",
    {
      devices: {
        disks: [
          { device: "disk", source: { volume: { pool: "p", volume: "v" } }, target: { dev: "vda" } },
          { source: { file: { file: "/f" } }, readOnly: true },
        ],
        interfaces: [{ source: { network: { network: "n" } } }, { source: { bridge: { bridge: "b" } } }],
      },
    },
    '<domain><devices><disk device="disk" type="volume"><source pool="p" volume="v"/><target dev="vda"/></disk><disk type="file"><source file="/f"/><readonly/></disk>' +
      '<interface type="network"><source network="n"/></interface><interface type="bridge"><source bridge="b"/></interface></devices></domain>',
  ],
  [
    "a random number generator",
    "domain",
    {
      devices: {
        rngs: [{ model: "virtio", backend: { random: "/dev/urandom" } }],
        memBalloon: { model: "none" },
      },
    },
    '<domain><devices><rng model="virtio"><backend model="random">/dev/urandom</backend></rng><memballoon model="none"/></devices></domain>',
  ],
  [
    "a serial port kept in a file",
    "domain",
    { devices: { serials: [{ source: { file: { path: "/console", append: "off" } } }] } },
    '<domain><devices><serial type="file"><source path="/console" append="off"/></serial></devices></domain>',
  ],
  [
    "what must be escaped",
    "domain",
    { title: "<&>", os: { cmdline: "a=\"1\" & b='<2>'" }, devices: { disks: [{ target: { dev: '"><x' } }] } },
    '<domain><title>&lt;&amp;&gt;</title><os><cmdline>a=&quot;1&quot; &amp; b=&apos;&lt;2&gt;&apos;</cmdline></os><devices><disk><target dev="&quot;&gt;&lt;x"/></disk></devices></domain>',
  ],
])("%s", (_, root, inputs, expected) => {
  expect(xml(root, inputs)).toBe(expected);
});

test("extra properties take precedence", () => {
  expect(xml("network", { name: "n" }, { uuid: "u" })).toBe(
    "<network><name>n</name><uuid>u</uuid></network>",
  );
});
