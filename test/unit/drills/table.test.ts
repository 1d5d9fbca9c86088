import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { readEndpoint, readTable, showWeights, TableHistory } from "../../../drills/tableHistory";

const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
const RS1 = "C0A8070A:0050";
const RS2 = "C0A80714:0050";
const SERVICE = "TCP 0A000064:0050 wrr";

const both = `${SERVICE}|-> ${RS1} Route 1|-> ${RS2} Route 3`;
const onlyRs2 = `${SERVICE}|-> ${RS2} Route 3`;
const sorry = `${SERVICE}|-> 7F000001:0050 Route 1`;

describe("readTable", () => {
  const six = (last: string): string => `-> [fd00:0007:0000:0000:0000:0000:0000:${last}]:0000 Route`;

  it("tells the two services of a mark by their servers", () => {
    const four = "FWM 00000050 wrr|-> C0A8070A:0000 Route 1";
    const other = `FWM 00000050 wrr|${six("0010")} 2`;
    for (const text of [`${four}|${other}`, `${other}|${four}`]) {
      expect(readTable(text, "fwm 80")).toEqual(new Map([["192.168.7.10:0", 1]]));
      expect(readTable(text, "fwm 80 -6")).toEqual(new Map([["[fd00:7::10]:0", 2]]));
    }
    expect(readTable(`FWM 00000050 wrr|${other}`, "fwm 80")).toEqual(new Map());
  });

  it("knows the services of IPv6", () => {
    const text = `TCP [fd00:0010:0000:0000:0000:0000:0000:0100]:0050 wrr|${six("0010")} 1`;
    expect(readTable(text, "tcp [fd00:10::100]:80")).toEqual(new Map([["[fd00:7::10]:0", 1]]));
  });

  it("reads the kernel's hexadecimal addresses", () => {
    expect(readEndpoint(RS1)).toBe("192.168.7.10:80");
    expect(readEndpoint("00000007")).toBe("00000007");
    expect(readEndpoint("[fd00:0007:0000:0000:0000:0000:0000:0010]:0050")).toBe("[fd00:7::10]:80");
  });

  it("takes the servers of the one service", () => {
    const text = `UDP 0A000064:0035 rr|-> ${RS1} Route 9|${both}|FWM 00000001 wlc|-> ${RS1} Route 8`;
    expect(readTable(text, "tcp 10.0.0.100:80")).toEqual(
      new Map([
        ["192.168.7.10:80", 1],
        ["192.168.7.20:80", 3],
      ]),
    );
    expect(readTable("", "tcp 10.0.0.100:80")).toBeUndefined();
    expect(showWeights(readTable(SERVICE, "tcp 10.0.0.100:80"))).toBe("no server");
  });
});

describe("TableHistory", () => {
  it("knows when the table became what, from a time on", () => {
    const history = new TableHistory(lab);
    history.add(1, both);
    history.add(4.5, onlyRs2);
    history.add(6, sorry);
    history.add(9, both);
    expect(history.firstTime(history.isAsExpected, 0)).toBe(1);
    expect(history.firstTime(history.isAsExpected, 3)).toBe(3);
    expect(history.firstTime(history.isAsExpected, 5)).toBe(9);
    expect(history.firstTime((weights) => weights?.has("127.0.0.1:80") === true, 2)).toBe(6);
    expect(history.firstTime((weights) => weights === undefined, 0)).toBeUndefined();
  });

  it("counts how often a server left, also when the sorry server took its place", () => {
    const history = new TableHistory(lab);
    for (const [t, text] of [
      [1, both],
      [4, onlyRs2],
      [6, sorry],
      [9, both],
      [10, both.replace("Route 1", "Route 0")],
      [11, both.replace("Route 3", "Route 4")],
      [20, ""],
    ] as const)
      history.add(t, text);
    expect(history.ejections(0, 30)).toBe(5);
    expect(history.ejections(4, 20)).toBe(2);
    expect(history.ejections(12, 19)).toBe(0);
  });

  it("does not take a word about something else for a change", () => {
    const history = new TableHistory(lab);
    history.add(1, both);
    history.add(2, `${both}|UDP 0A000064:0035 rr`);
    expect(history.changesSince(0)).toBe(1);
  });

  it("is not as expected with a sorry server beside all real ones, nor with another weight", () => {
    const history = new TableHistory(lab);
    expect(history.isAsExpected(history.add(1, `${both}|-> 7F000001:0050 Route 1`))).toBe(false);
    expect(history.isAsExpected(history.add(2, both.replace("Route 3", "Route 4")))).toBe(false);
    expect(history.isAsExpected(history.add(3, both))).toBe(true);
  });
});

it("the watcher runs where there is no IPVS, and ends with its stdin", () => {
  const program = readFileSync(join(__dirname, "../../../drills/guest/table.pl"), "utf8");
  const { status, stderr } = spawnSync("perl", ["-e", program, "0.1", "30"], {
    input: "",
    encoding: "utf8",
    timeout: 10_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
