/** Every drill by name. */
import { nearest } from "../model/config/refusal";
import { articleDrills } from "./faults/article";
import { connectionDrills } from "./faults/connections";
import { daemonDrills } from "./faults/daemon";
import { directorDrills } from "./faults/directors";
import { hostDrills } from "./faults/hosts";
import { machineryDrills } from "./faults/machinery";
import { machineDrills } from "./faults/machines";
import { networkDrills } from "./faults/network";
import { operationDrills } from "./faults/operations";
import { tieDrills } from "./faults/ties";
import { webServerDrills } from "./faults/webServer";
import type { Drill } from "./drill";

export const DRILLS: readonly Drill[] = [
  ...articleDrills,
  ...webServerDrills,
  ...machineDrills,
  ...networkDrills,
  ...daemonDrills,
  ...connectionDrills,
  ...operationDrills,
  ...machineryDrills,
  ...directorDrills,
  ...tieDrills,
  ...hostDrills,
];

/**
 * The drills of these names; without any, the source article's own.
 * @throws Error naming what is not known
 */
export function chooseDrills(names: readonly string[], all = false): readonly Drill[] {
  if (all) return DRILLS;
  if (names.length === 0) return DRILLS.filter(({ standard }) => standard);
  return names.map((name) => {
    const drill = DRILLS.find((each) => each.name === name);
    if (drill !== undefined) return drill;
    const meant = nearest(
      name,
      DRILLS.map((each) => each.name),
    );
    throw new Error(
      `there is no drill '${name}'${meant === undefined ? "" : `; did you mean ${meant}?`} (--list shows all)`,
    );
  });
}
