import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { assessHealth } from "../../../model/health";
import { labNodes } from "../../../model/lab/types";
import { holderOf, type DirectorWord, type PairObservation } from "../../../model/pair";
import { judgePair } from "../../../verify/checks/pair";
import { good, LIST, RS1, RS2, SERVICE } from "./assessed";

const lab = parseConfig({ directors: [{}, {}] }, { project: "lvs-dr", stack: "dev" });
const [MAC1 = "", MAC2 = ""] = lab.directors.map(({ nics: [nic] }) => nic?.mac);
const TABLE = [SERVICE, RS1, RS2].join("\n");
const ACTIVE: DirectorWord = {
  values: {
    vrrp: "MASTER",
    vrrpSince: "1764381600.5",
    holdsVip: "yes",
    sync: "both",
    configHash: lab.configHash,
  },
  ipvsSave: TABLE,
};
const STANDBY: DirectorWord = {
  values: {
    vrrp: "BACKUP",
    vrrpSince: "1764381601",
    holdsVip: "no",
    sync: "both",
    configHash: lab.configHash,
  },
  ipvsSave: TABLE,
};

const pairOf = (
  director1: DirectorWord,
  director2: DirectorWord,
  answering?: readonly string[],
): PairObservation => ({
  directors: { director1, director2 },
  answering,
});

const assess = (pair: PairObservation, heldBy = "director1") =>
  assessHealth(lab, {
    observedAt: "2026-01-02T03:04:05.000Z",
    director: {
      reachable: true,
      ipvsSave: pair.directors[heldBy]?.ipvsSave ?? "",
      ipvsList: LIST,
      configHash: lab.configHash,
    },
    pair,
    nodes: Object.fromEntries(labNodes(lab).map(({ name }) => [name, { reachable: true, problems: [] }])),
    client: { requests: [good, good] },
  });

const found = (pair: PairObservation, heldBy?: string) =>
  assess(pair, heldBy).findings?.map(({ subject, code }) => `${subject} ${code}`);

describe("two directors", () => {
  it("are in the health, the one that holds the VIP first", () => {
    const { status, directors } = assess(pairOf(STANDBY, ACTIVE, [MAC2]), "director2");
    expect(status).toBe("healthy");
    expect(directors).toEqual([
      {
        name: "director2",
        role: "active",
        holdsVip: true,
        sync: "both",
        table: "equal",
        lastTransition: "2025-11-29T02:00:00.500Z",
      },
      {
        name: "director1",
        role: "standby",
        holdsVip: false,
        sync: "both",
        table: "equal",
        lastTransition: "2025-11-29T02:00:01.000Z",
      },
    ]);
  });

  it.each([
    [
      "one that was cut off",
      pairOf(ACTIVE, { ...STANDBY, values: { ...STANDBY.values, vrrp: "FAULT" } }),
      "fault",
    ],
    ["one that cannot be asked", pairOf(ACTIVE, {}), "fault"],
  ])("%s could not take over", (_what, pair, role) => expect(assess(pair).directors?.[1]?.role).toBe(role));

  it.each([
    ["by both directors' word", pairOf(ACTIVE, ACTIVE, [MAC1]), ["10.0.0.100 split-brain"]],
    ["by the wire's", pairOf(ACTIVE, STANDBY, [MAC1, MAC2]), ["10.0.0.100 split-brain"]],
    ["by nobody's", pairOf(STANDBY, STANDBY, []), ["10.0.0.100 vip-unheld"]],
    ["though the router could not be asked", pairOf(ACTIVE, STANDBY), []],
    [
      "and a standby with another table",
      pairOf(ACTIVE, { ...STANDBY, ipvsSave: [SERVICE, RS1].join("\n") }, [MAC1]),
      ["director2 tables-differ"],
    ],
    [
      "and a standby with the same table in another order",
      pairOf(ACTIVE, { ...STANDBY, ipvsSave: [SERVICE, RS2, RS1].join("\n") }, [MAC1]),
      [],
    ],
    [
      "and a standby of another configuration",
      pairOf(ACTIVE, { ...STANDBY, values: { ...STANDBY.values, configHash: "old" } }, [MAC1]),
      ["director2 script-outdated"],
    ],
  ])("who holds the VIP, %s", (_what, pair, problems) => expect(found(pair)).toEqual(problems));

  it("where both hold the VIP, that one counts which the router's neighbours tell of", () => {
    expect(holderOf(lab, pairOf(ACTIVE, ACTIVE, [MAC2, MAC1]))).toBe("director2");
    expect(holderOf(lab, pairOf(ACTIVE, ACTIVE))).toBe("director1");
    expect(holderOf(lab, pairOf(STANDBY, STANDBY, [MAC2]))).toBeUndefined();
  });
});

describe("verify's checks of the pair", () => {
  const failed = (pair: PairObservation): string[] =>
    judgePair(lab, [...(assess(pair).directors ?? [])], pair.answering ?? [])
      .filter(({ status }) => status === "fail")
      .map(({ name }) => name);

  it.each([
    ["a whole pair", pairOf(ACTIVE, STANDBY, [MAC1]), []],
    ["two answers", pairOf(ACTIVE, STANDBY, [MAC1, MAC2]), ["pair.holder"]],
    ["two holders", pairOf(ACTIVE, ACTIVE, [MAC1]), ["pair.holder", "pair.standby"]],
    [
      "a standby in FAULT",
      pairOf(ACTIVE, { ...STANDBY, values: { ...STANDBY.values, vrrp: "FAULT" } }, [MAC1]),
      ["pair.standby"],
    ],
    [
      "no sync",
      pairOf(ACTIVE, { ...STANDBY, values: { ...STANDBY.values, sync: "backup" } }, [MAC1]),
      ["pair.sync"],
    ],
    ["another table", pairOf(ACTIVE, { ...STANDBY, ipvsSave: SERVICE }, [MAC1]), ["pair.tables"]],
  ])("%s", (_what, pair, names) => expect(failed(pair)).toEqual(names));
});
