import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { controlPlane, planeSettings } from "../../../../model/director/controlPlane";

const lab = (config: object) => parseConfig({ ...config }, { project: "lvs-dr", stack: "dev" });

it("a guest has the settings of every control plane, with values for the chosen one alone", () => {
  const [checked, filled] = [planeSettings(lab({})), planeSettings(lab({ director: { mode: "static" } }))];
  expect(Object.keys(filled)).toEqual(Object.keys(checked));
  expect(new Set(Object.values(filled))).toEqual(new Set([""]));
  expect(checked.LVS_LDIRECTORD_CF).toBe(controlPlane(lab({})).configuration?.(lab({})));
  expect(checked.LVS_LDIRECTORD_CF).toContain("virtual=10.0.0.100:80\n");
});
