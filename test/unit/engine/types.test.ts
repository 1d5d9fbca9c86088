import { expect, test } from "vitest";
import { READ_RESOURCE_OUTPUTS, READ_STACK_OUTPUTS } from "../../../program/handoverProbe";
import { invokes, providerOf } from "../../../engine/providers";
import { runProgram } from "../components/support/fixtures";

test("every resource type and function of the program is known, on this host and on another", async () => {
  const programs = [
    await runProgram(),
    await runProgram({
      config: { libvirtUri: "qemu+ssh://user@host:2222/system", accelerator: "kvm", arpStrategy: "static" },
    }),
  ];
  const registrations = programs.flatMap((program) => program.registrations);
  // Components have no provider: the engine keeps them itself.
  const types = new Set(registrations.map(({ type }) => type).filter((type) => !type.startsWith("lvsdr:")));
  types.delete("pulumi:pulumi:Stack");
  expect([...types].sort()).toEqual([
    "command:local:Command",
    "command:remote:Command",
    "libvirt:index/domain:Domain",
    "libvirt:index/network:Network",
    "libvirt:index/pool:Pool",
    "libvirt:index/volume:Volume",
    "pulumi:providers:libvirt",
    "random:index/randomPassword:RandomPassword",
  ]);
  for (const type of types) expect(providerOf(type)).toHaveProperty("create");
  const tokens = new Set(programs.flatMap(({ invocations }) => invocations.map(({ token }) => token)));
  // Two are Pulumi's own, which the engine answers itself.
  expect([...Object.keys(invokes), READ_STACK_OUTPUTS, READ_RESOURCE_OUTPUTS].sort()).toEqual(
    [...tokens].sort(),
  );
});

test("any other type is refused, with the engine that knows it", () => {
  expect(() => providerOf("aws:s3:Bucket")).toThrow(
    "the embedded engine does not know the resource type aws:s3:Bucket; use --engine pulumi",
  );
});
