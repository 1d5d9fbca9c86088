import * as proto from "@pulumi/pulumi/proto/resource_pb";
import { expect, test } from "vitest";
import { toGoal } from "../../../engine/monitor";

const timeouts = new proto.RegisterResourceRequest.CustomTimeouts();
timeouts.setCreate("5m");

test.each<[string, (request: proto.RegisterResourceRequest) => void]>([
  ["import", (request) => request.setImportid("i")],
  ["remote components", (request) => request.setRemote(true)],
  ["protect", (request) => request.setProtect(true)],
  ["retainOnDelete", (request) => request.setRetainondelete(true)],
  ["deletedWith", (request) => request.setDeletedwith("urn")],
  ["aliases", (request) => request.setAliasurnsList(["urn"])],
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
