/** Labs as they are kept: in a stack's state, and in a file of the last `up`. */
import type { Lab, LabNode } from "./types";

/** A lab of one director, as versions before its nodes were lists have recorded it. */
type FormerLab = Omit<Lab, "routers" | "directors" | "segments"> & {
  readonly router: LabNode;
  readonly director: LabNode;
  readonly networks: Lab["segments"];
};

/** A recorded lab in today's form, whichever version has recorded it. */
export function readLab(recorded: unknown): Lab {
  const lab = recorded as Lab | FormerLab;
  if ("directors" in lab) return lab;
  const { router, director, networks, ...rest } = lab;
  return { ...rest, routers: [router], directors: [director], segments: networks };
}
