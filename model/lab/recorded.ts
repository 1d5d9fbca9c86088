/** Labs as they are kept: in a stack's state, and in a file of the last `up`. */
import type { Lab, LabNode } from "./types";

/** What versions before nodes were lists have recorded; the client was the last that became one. */
interface Former {
  readonly client?: LabNode;
  readonly router?: LabNode;
  readonly director?: LabNode;
  readonly networks?: Lab["segments"];
}

/** A recorded lab in today's form, whichever version has recorded it. */
export function readLab(recorded: unknown): Lab {
  const { client, router, director, networks, ...lab } = recorded as Lab & Former;
  return {
    ...lab,
    ...(client && { clients: [client] }),
    ...(router && { routers: [router] }),
    ...(director && { directors: [director] }),
    ...(networks && { segments: networks }),
  };
}
