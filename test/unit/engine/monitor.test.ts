import { Value } from "google-protobuf/google/protobuf/struct_pb";
import * as proto from "@pulumi/pulumi/proto/resource_pb";
import { expect, test } from "vitest";
import { toGoal, toResponse } from "../../../engine/monitor";

const timeouts = new proto.RegisterResourceRequest.CustomTimeouts();
timeouts.setCreate("5m");

test.each<[string, (request: proto.RegisterResourceRequest) => void]>([
  ["import", (request) => request.setImportid("i")],
  ["remote components", (request) => request.setRemote(true)],
  ["protect", (request) => request.setProtect(true)],
  ["retainOnDelete", (request) => request.setRetainondelete(true)],
  ["options that name a part of an input", (request) => request.addIgnorechanges("devices.disks[0]")],
  ["options that name a part of an input", (request) => request.addReplaceonchanges('env["A"]')],
  ["deletedWith", (request) => request.setDeletedwith("urn")],
  ["customTimeouts", (request) => request.setCustomtimeouts(timeouts)],
])("an option that is not known here is refused: %s", (option, ask) => {
  const request = new proto.RegisterResourceRequest();
  request.setType("a:b:C");
  request.setName("r");
  expect(toGoal(request)).toMatchObject({ type: "a:b:C", name: "r" });
  ask(request);
  expect(() => toGoal(request)).toThrow(
    `the embedded engine does not support ${option}; use --engine pulumi`,
  );
});

test("what replaces a resource when it changes is told", () => {
  const request = new proto.RegisterResourceRequest();
  expect(toGoal(request)).not.toHaveProperty("replacementTrigger");
  request.setReplacementTrigger(Value.fromJavaScript("host-far"));
  expect(toGoal(request).replacementTrigger).toBe("host-far");
});

test("every element of an input is the whole of it", () => {
  const request = new proto.RegisterResourceRequest();
  request.addReplaceonchanges("triggers[*]");
  expect(toGoal(request).replaceOnChanges).toEqual(["triggers"]);
});

test.each([
  ["success", true, proto.Result.SUCCESS],
  ["failure", false, proto.Result.FAIL],
])("%s is a result that the program's side knows", (_, ok, expected) => {
  const request = new proto.RegisterResourceRequest();
  request.setCustom(true);
  const answer = toResponse({ urn: "urn", id: "", outputs: {}, ok }, toGoal(request));
  // As it arrives: a value that the protocol does not have would be left out, and read as success.
  const read = proto.RegisterResourceResponse.deserializeBinary(answer.serializeBinary());
  expect(read.getResult()).toBe(expected);
});
