/** Services that ldirectord would not tell apart. */
import { familyOf } from "../../lab/address";
import type { VirtualService } from "../../lab/types";

/** Matches the empty text, so that in front of an expression it changes nothing. */
const NOTHING = "(?:)";

/**
 * ldirectord knows a real server by its address, port and check, not by its service: in two services that differ in their VIP alone it
 * is one and the same. Then a failed check counts once for each, failurecount is used up sooner, and the process of one service edits
 * the table of the other. What is expected belongs to that identity: here each further service expects a little more of nothing.
 */
export function toldApart(services: readonly VirtualService[]): VirtualService[] {
  const seen = new Map<string, number>();
  return services.map((service) => {
    // Real servers of a mark have no port.
    // Real servers of another family have other addresses.
    const family = familyOf(service.vip);
    const key =
      service.mark === undefined ? `${service.protocol} ${family} ${service.port}` : `fwm ${family}`;
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return before === 0 ? service : marked(service, NOTHING.repeat(before));
  });
}

function marked(service: VirtualService, mark: string): VirtualService {
  const { check, realServers } = service;
  return {
    ...service,
    check: { ...check, receive: mark + (check.receive ?? "") },
    realServers: realServers.map((server) =>
      server.receive === undefined ? server : { ...server, receive: mark + server.receive },
    ),
  };
}
