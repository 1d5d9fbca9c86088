/** The three-way diagnosis of a service whose answers verify cannot read: a connection is one. */
import { describe, expect, it } from "vitest";
import { NOT_ASKED, type Answer } from "../../../../health/requests";
import { parseConfig } from "../../../../model/config/config";
import { expectedTable, renderTable } from "../../../../model/director/ipvs/table";
import { askedUrl, serviceUrl, type Lab, type VirtualService } from "../../../../model/lab/types";
import { serverMac } from "../../../../verify/checks/arp";
import { findingsOf, sightOf } from "../../../../verify/diagnosis/diagnosis";
import { checkedPage, targetsOf } from "../../../../verify/diagnosis/scripts";
import { diagnose } from "../../../../verify/diagnosis/verdict";

const labOf = (service: object): [Lab, VirtualService] => {
  const lab = parseConfig(
    {
      workloads: [{ name: "own", ports: [3306, 8080], script: "examples/protocols/ftp.sh" }],
      services: [{ name: "own", workload: "own", ...service }],
    },
    { project: "lvs-dr", stack: "unit" },
  );
  return [lab, lab.services.find(({ name }) => name === "own") as VirtualService];
};

describe("a service's URL", () => {
  it.each([
    [{ port: 3306, healthCheck: { checktype: "connect" } }, "tcp://10.0.0.100:3306/"],
    [{ port: 8080, healthCheck: { service: "http", request: "ready" } }, "http://10.0.0.100:8080/"],
  ])("%o", (configured, url) => {
    const [, service] = labOf(configured);
    expect(serviceUrl(service)).toBe(url);
    // Of another web server's pages nothing is known.
    expect(askedUrl(service)).toBe(`tcp://10.0.0.100:${service.port}/`);
    expect(checkedPage(service)).toBe("");
  });
});

describe("a server that takes connections", () => {
  const [lab, service] = labOf({ port: 3306, healthCheck: { checktype: "connect" } });
  const connected: Answer = { ...NOT_ASKED, ok: true, detail: "connected in 0.01 s" };
  const refused: Answer = { ...NOT_ASKED, detail: "Connection refused" };
  const targets = targetsOf(service);
  const judged = (
    answers: Partial<Record<"direct" | "fromRouter" | "fromClient", Answer[]>>,
    withdrawn?: string,
  ) => {
    const { sight } = sightOf(lab, service, targets, {
      direct: [connected, connected],
      fromRouter: targets.map(() => connected),
      fromClient: targets.map(() => connected),
      live: [connected],
      macs: [serverMac(lab.directors[0])],
      save: renderTable(expectedTable(lab)).join("\n"),
      neighbours: new Map(),
      inside: new Map([["rs1", { vipOnLo: true, ...(withdrawn !== undefined && { withdrawn }) }]]),
      ...answers,
    });
    const names = {
      vip: service.vip,
      router: "router",
      lastHop: "router",
      director: "director",
      serving: "ss",
      owner: String,
    };
    return { sight, diagnoses: diagnose(sight, names) };
  };

  it("is well, though no connection says whose it is", () => {
    const { sight, diagnoses } = judged({});
    expect(diagnoses.map(({ verdict }) => verdict)).toEqual(["ok", "ok"]);
    const findings = findingsOf(lab, service, { sight, diagnoses });
    expect(findings.map(({ status }) => status)).toEqual(["pass", "pass"]);
    expect(findings[0]?.evidence.command).toBe(
      "connect to the RIP; connect to tcp://10.0.0.100:3306/ by firewall mark through rs1 alone",
    );
  });

  it("that refuses them is down, and the command shows its port", () => {
    const [first] = judged({ direct: [refused, connected], fromRouter: [refused, connected] }).diagnoses;
    expect(first).toMatchObject({ verdict: "service down" });
    expect(first?.fix).toMatch(/^on rs1: ss;/);
  });

  it("whose guard refuses its check is withdrawn, not down", () => {
    const [first] = judged({ direct: [refused, connected] }, "VIP missing on lo").diagnoses;
    expect(first?.verdict).toBe("withdrawn by its guard");
  });
});
