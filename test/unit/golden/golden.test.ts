/**
 * What guests (but for the programs, which are files of the repository), engines and users get, word for word: a change that means to alter none of it leaves these files alone. `npx vitest run
 * --project unit test/unit/golden -u` writes them; `test/unit/golden/compare.sh COMMIT` shows what is behind a changed digest.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { guestSettings } from "../../../model/guest/settings";
import { sha256 } from "../../../lib/text";
import { canonicalJson } from "../../../model/lab/naming";
import { renderPayload } from "../../../model/guest/script";
import { labNodes, type Lab, type LabNode } from "../../../model/lab/types";
import { renderPrometheus } from "../../../health/prometheus";
import { renderStatus } from "../../../health/statusText";
import { renderCheck, renderSummary, verifyJunit } from "../../../verify/verifyText";
import { LOCAL, resources, runProgram } from "../components/support/fixtures";
import { STATUS, VERIFY } from "../report/fixtures";
import { CONFIGURATIONS, IN_FULL } from "./configurations";

const identity = { project: "lvs-dr", stack: "golden" };
const labs = Object.entries(CONFIGURATIONS).map(
  ([name, config]) => [name, parseConfig(config, identity)] as const,
);
const short = (value: string): string => (value.length <= 12 ? value : sha256(value).slice(0, 8));

/** Nodes of which no two of one role differ in more than name and address. */
const nodes = (lab: Lab): LabNode[] => labNodes(lab).slice(0, 6);

/** @param file for compare.sh, below the directory that it names */
const golden = async (file: string, text: string): Promise<void> => {
  await expect(text).toMatchFileSnapshot(`./expected/${file}`);
};

/** The whole texts for compare.sh, where it asks for them. */
function forComparison(file: string, text: string): void {
  const directory = process.env.GOLDEN_DIRECTORY;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/${file}`, text);
}

describe("golden files", () => {
  it("each guest's settings", async () => {
    const lines = labs.flatMap(([name, lab]) =>
      nodes(lab).map((node) => {
        const all = guestSettings(lab, node);
        forComparison(`${name}.${node.name}`, renderPayload(all, []));
        const shown = Object.entries(all).map(([key, value]) => `${key.replace("LVS_", "")}=${short(value)}`);
        return `${name} ${shown.join(" ").replaceAll("\n", "\\n")}`;
      }),
    );
    await golden("settings.txt", `${lines.join("\n")}\n`);
  });

  it.each(IN_FULL)("in full: %s", async (name) => {
    const lab = parseConfig(CONFIGURATIONS[name] ?? {}, identity);
    await golden(
      `${name}.txt`,
      nodes(lab)
        .map((node) => renderPayload(guestSettings(lab, node), []).replace("#!/usr/bin/env bash\n", ""))
        .join("\n\n"),
    );
  });

  it("registrations, without the payloads and what the image's digest names", async () => {
    const lines: string[] = [];
    for (const name of ["article", "everything", "staticArp"]) {
      const recording = await runProgram({ config: CONFIGURATIONS[name] ?? {} });
      for (const { type, name: resource, parent, inputs, options } of resources(recording)) {
        const own = type === LOCAL ? inputs : { ...inputs, stdin: undefined };
        const text = canonicalJson([parent, own, options])
          .replaceAll(`${process.cwd()}/`, "")
          .replace(/[0-9a-f]{12,64}(?=\.qcow2|\/)|(?<=STARTED":")[0-9a-f]+/g, "IMAGE");
        forComparison(`${name}.${resource}.${type.replaceAll(/[:/]/g, "-")}`, text);
        lines.push(`${name} ${type} ${resource} ${short(text)}`);
      }
    }
    await golden("registrations.txt", `${lines.join("\n")}\n`);
  });

  it("text and JSON of status and verify", async () => {
    const texts = [
      renderStatus(STATUS),
      JSON.stringify(STATUS, null, 1),
      await renderPrometheus(STATUS, "unit", "sha256:0123"),
      [...VERIFY.checks.map((check) => renderCheck(check)), renderSummary(VERIFY)].join("\n"),
      verifyJunit(VERIFY),
      JSON.stringify(VERIFY, null, 1),
    ];
    await golden("outputs.txt", `${texts.join("\n\n")}\n`);
  });
});
