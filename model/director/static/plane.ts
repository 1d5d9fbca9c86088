import type { ControlPlane } from "../controlPlane";
import { detectionSeconds } from "../detection";

/** Nobody: the table is filled once, and stays as the article's lvs_dr_vs.sh leaves it. */
export const STATIC: ControlPlane = { settings: () => ({}), detectionSeconds };
