/** What keepalived's checkers cannot do of a configuration that ldirectord can serve. */
import { unfitFields } from "../director/keepalived/checkers";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Config } from "./schema";
import { ldirectordSettings } from "./schemaLdirectord";
import { reporter, servicePlaces } from "./servicePlaces";

/** What is written out as it is anyway says nothing. */
const DEFAULTS: Readonly<Record<string, unknown>> = ldirectordSettings.parse({});
const FIX = "leave it out, or set director.mode to ldirectord";

export function checkKeepalived(findings: Findings, config: Config, draft: Draft): void {
  if (draft.mode !== "keepalived") return;
  for (const place of servicePlaces(config, draft)) {
    const { name, check, quiescent, sorry } = place.service;
    const report = reporter(findings, config, place);
    for (const { field, message } of unfitFields(place.service)) {
      const fix =
        field === "service" || field === "checktype"
          ? "set checktype to connect or external, or director.mode to ldirectord"
          : FIX;
      report(`healthCheck.${field}`, { value: check[field], message, fix }, ["port"], ["director.mode"]);
    }
    if (quiescent && sorry !== undefined) {
      const message = `is undone by keepalived when the last real server of ${name} dies: it takes all of them out for the sorry server`;
      report("quiescent", { value: true, message, fix: FIX }, ["sorryServer"]);
    }
  }
  const owners = [
    { prefix: "ldirectord", options: config.ldirectord },
    ...config.services.map(({ ldirectord }, index) => ({
      prefix: `services[${index}].ldirectord`,
      options: ldirectord,
    })),
  ];
  for (const { prefix, options } of owners)
    for (const [option, value] of Object.entries(options)) {
      if (value === undefined || value === DEFAULTS[option]) continue;
      const message = "is an option of ldirectord, which does not run";
      findings.add({ key: `${prefix}.${option}`, value, message, fix: FIX }, "director.mode");
    }
}
