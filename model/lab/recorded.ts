/** Labs as they are kept: in a stack's state, and in a file of the last `up`. */
import { onSegment } from "./hosts";
import type { Lab, LabNode, LibvirtHost, RemoteHost } from "./types";

/** What versions before nodes were lists have recorded; the client was the last that became one. */
interface Former {
  readonly client?: LabNode;
  readonly router?: LabNode;
  readonly director?: LabNode;
  readonly networks?: Lab["segments"];
  /** Before a lab could have several hosts. */
  readonly libvirtUri?: string;
  readonly remoteHost?: RemoteHost;
}

/** A recorded lab in today's form, whichever version has recorded it. */
export function readLab(recorded: unknown): Lab {
  const { client, router, director, networks, libvirtUri, remoteHost, ...lab } = recorded as Lab & Former;
  const segments = networks ?? lab.segments;
  return {
    ...lab,
    ...(client && { clients: [client] }),
    ...(router && { routers: [router] }),
    ...(director && { directors: [director] }),
    segments,
    ...(libvirtUri !== undefined && { hosts: [hostBefore(libvirtUri, remoteHost, segments)] }),
  };
}

const hostBefore = (
  libvirtUri: string,
  remote: RemoteHost | undefined,
  { client, server }: Lab["segments"],
): LibvirtHost => ({
  name: "",
  libvirtUri,
  ...(remote && { remote }),
  segments: { client: onSegment(client), server: onSegment(server) },
});
