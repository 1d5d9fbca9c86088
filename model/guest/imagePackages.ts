/** What the image of a stack's guests has beside what every image has. */
import { vipHolder } from "../director/vipHolder";
import type { Lab } from "../lab/types";
import { workloadPackages } from "../lab/workloads";

/** Debian packages, sorted: those of workloads, and of whoever decides between two directors. */
export function imagePackages(lab: Pick<Lab, "workloads" | "highAvailability">): string[] {
  return [...new Set([...workloadPackages(lab), ...vipHolder(lab).packages])].sort();
}
