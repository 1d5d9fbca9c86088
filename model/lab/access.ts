import type { Login } from "../../lib/ssh";
import type { Lab } from "./types";

/** How to reach the guests, and what they are: the stack's output that `scripts/lab ssh` and every observation use. */
export interface Access extends Login {
  /** The lab as it was applied. */
  readonly lab: Lab;
}
