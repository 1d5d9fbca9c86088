import { describe, expect, it } from "vitest";
import { parseGuestStatus } from "../../../../model/guest/status";

describe("parseGuestStatus", () => {
  it("reads values, problems and sections", () => {
    const text = [
      "role=director",
      "configHash=abc",
      "problem=vip-missing\t\t10.0.0.100\tVIP 10.0.0.100/32 missing on eth0",
      "problem=weight-differs\trs1\ttcp 10.0.0.100:80\trs1 192.168.7.10:80: weight 2, expected 1",
      "problem=ldirectord is not running",
      "problem=of-tomorrow\t\tx\tnobody knows it yet",
      "== ipvsadm-save",
      "-A -t 10.0.0.100:80 -s wrr",
      "daemon=not a value here",
      "== ipvsadm-list",
      "TCP  10.0.0.100:80 wrr",
      "== end",
      "daemon=active",
      "",
    ].join("\n");
    expect(parseGuestStatus("director", text)).toEqual({
      values: { role: "director", configHash: "abc", daemon: "active" },
      problems: [
        {
          subject: "director",
          code: "vip-missing",
          detail: "10.0.0.100",
          text: "director: VIP 10.0.0.100/32 missing on eth0",
        },
        {
          subject: "rs1",
          code: "weight-differs",
          detail: "tcp 10.0.0.100:80",
          text: "rs1 192.168.7.10:80: weight 2, expected 1",
        },
        {
          subject: "director",
          code: "unspecified",
          detail: "ldirectord is not running",
          text: "director: ldirectord is not running",
        },
        {
          subject: "director",
          code: "unspecified",
          detail: "of-tomorrow\t\tx\tnobody knows it yet",
          text: "director: nobody knows it yet",
        },
      ],
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
  ])("reads %s", (_what, text, expected) => expect(parseGuestStatus("rs1", text)).toEqual(expected));
});
