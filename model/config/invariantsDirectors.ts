/** One director or two, and what two have between them. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { serviceKey } from "../lab/target";
import type { Config } from "./schema";

const SHORT_FORM = ["address", "mac"] as const;
/** Schedulers by which two directors choose the same real server for a client. */
const HASHES = ["sh", "mh"];

export function checkDirectors(findings: Findings, config: Config, draft: Draft): void {
  const { director, directors, highAvailability } = config;
  for (const field of SHORT_FORM) {
    if (directors === undefined || director[field] === undefined) continue;
    const message = "is given beside directors, which has the directors one by one";
    const fix = `write it as directors[0].${field}`;
    findings.add({ key: `director.${field}`, value: director[field], message, fix }, "directors");
  }
  if (directors !== undefined && directors.length > 2) {
    const message = `has ${directors.length} directors: of two one holds the VIP and the other stands by, and a third has no part`;
    findings.add({ key: "directors", message, fix: "name one or two" });
  }
  if (draft.directors.length === 1 && highAvailability !== undefined) {
    const message = "is what two directors have between them, and there is one";
    const fix = "name a second one in directors, or remove highAvailability";
    findings.add({ key: "highAvailability", message, fix }, "directors");
  }
  const { priorities = {}, sync } = draft.highAvailability ?? {};
  const [first, second] = draft.directors;
  if (
    second !== undefined &&
    first.name !== second.name &&
    priorities[first.name] === priorities[second.name]
  ) {
    const message = `is the priority of both ${first.name} and ${second.name}: VRRP could not tell which comes first`;
    const value = priorities[second.name];
    findings.add(
      { key: "directors[1].priority", value, message, fix: "give each its own" },
      "directors[0].priority",
    );
  }
  if (sync !== "hash") return;
  for (const service of draft.services.filter(({ scheduler }) => !HASHES.includes(scheduler))) {
    const message = `needs a scheduler by which both directors choose the same real server, and that of ${serviceKey(service)} is ${service.scheduler}`;
    const fix =
      "set the service's scheduler to mh or sh (with schedulerFlags mh-port or sh-port), or sync to daemon";
    findings.add({ key: "highAvailability.sync", value: sync, message, fix }, "scheduler", "services");
  }
}
