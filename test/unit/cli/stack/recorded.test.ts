/** What is read of a stack's state, as today's program and earlier ones have left it. */
import { expect, it } from "vitest";
import { readRecorded, shownOutputs, type RecordedResource } from "../../../../cli/stack/recorded";
import { STACK_TYPE } from "../../../../lib/urn";
import { secret, type Properties } from "../../../../lib/properties";
import { parseConfig } from "../../../../model/config/config";
import { APPLIED_LAB, PROJECT } from "../../../../model/lab/naming";

const lab = parseConfig({}, { project: PROJECT, stack: "dev" });
const plain = JSON.parse(JSON.stringify(lab)) as Properties;
/** As it was recorded when a lab was one topology. */
const former = (): Properties => {
  const { routers, directors, segments, ...rest } = lab;
  const text = JSON.stringify({ ...rest, router: routers[0], director: directors[0], networks: segments });
  return JSON.parse(text) as Properties;
};
const hosts = { rs1: { address: "192.168.7.10", user: "root", hostKey: "ssh-ed25519 AAAA" } };
const stack = (outputs: Properties): RecordedResource => ({ type: STACK_TYPE, outputs });
const access = { lab: plain, privateKey: "KEY", hosts };
const today = stack({
  vip: "10.0.0.100",
  privateKey: secret("KEY"),
  access: secret({ privateKey: "KEY", hosts }),
});
const nothing = (): undefined => undefined;

it.each<[string, RecordedResource[], () => typeof lab | undefined]>([
  ["today's, whose lab is a resource's", [today, { type: APPLIED_LAB, outputs: { lab: plain } }], nothing],
  ["one of a single topology", [today, { type: APPLIED_LAB, outputs: { lab: former() } }], nothing],
  [
    "an earlier one's, whose lab is in the output",
    [stack({ vip: "10.0.0.100", access: { ...access, privateKey: secret("KEY") } })],
    nothing,
  ],
  [
    "one of a failed `up`, whose lab is known from elsewhere",
    [today, { type: APPLIED_LAB, outputs: {} }],
    () => lab,
  ],
])("the way to the guests is found in a state like %s", (_what, resources, fallback) => {
  const recorded = readRecorded(resources, fallback);
  expect(recorded.access).toEqual(access);
  // No key is shown, whichever output holds it.
  const { vip, ...others } = shownOutputs(recorded);
  expect(vip).toBe("10.0.0.100");
  expect(new Set(Object.values(others))).toEqual(new Set(["[secret]"]));
});

it("which outputs are secret, the state says and not their names", () => {
  const outputs = stack({
    privateKey: "plain",
    token: secret("TOKEN"),
    list: [{ deep: secret(1) }, "beside"],
  });
  const recorded = readRecorded([outputs], nothing);
  expect(shownOutputs(recorded)).toEqual({ privateKey: "plain", token: "[secret]", list: "[secret]" });
  expect(recorded.outputs).toEqual({ privateKey: "plain", token: "TOKEN", list: [{ deep: 1 }, "beside"] });
});

it("without an `up` there is no way to the guests", () => {
  expect(readRecorded([], () => lab)).toEqual({ outputs: {}, secret: new Set() });
  expect(readRecorded([stack({ vip: "10.0.0.100" })], () => lab).access).toBeUndefined();
  expect(readRecorded([today], nothing).access).toBeUndefined();
});
