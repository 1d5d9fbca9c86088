import { describe, expect, it } from "vitest";
import { parseGuestStatus } from "../../../model/guestStatus";

describe("parseGuestStatus", () => {
  it("reads values, problems and sections", () => {
    const text = [
      "role=director",
      "configHash=abc",
      "problem=ldirectord is not running",
      "problem=10.0.0.100 = wrong",
      "== ipvsadm-save",
      "-A -t 10.0.0.100:80 -s wrr",
      "daemon=not a value here",
      "== ipvsadm-list",
      "TCP  10.0.0.100:80 wrr",
      "== end",
      "daemon=active",
      "",
    ].join("\n");
    expect(parseGuestStatus(text)).toEqual({
      values: { role: "director", configHash: "abc", daemon: "active" },
      problems: ["ldirectord is not running", "10.0.0.100 = wrong"],
      sections: {
        "ipvsadm-save": "-A -t 10.0.0.100:80 -s wrr\ndaemon=not a value here\n",
        "ipvsadm-list": "TCP  10.0.0.100:80 wrr\n",
      },
    });
  });

  it.each([
    ["nothing", "", { values: {}, problems: [], sections: {} }],
    ["an empty value", "key=\n", { values: { key: "" }, problems: [], sections: {} }],
    ["lines of another kind", "Welcome!\n a=b\n", { values: {}, problems: [], sections: {} }],
    ["an empty section", "== a\n== end\n", { values: {}, problems: [], sections: { a: "" } }],
    ["a section cut short", "== a\nb", { values: {}, problems: [], sections: { a: "b\n" } }],
  ])("reads %s", (_what, text, expected) => expect(parseGuestStatus(text)).toEqual(expected));
});
