/** What ldirectord.cf has no option for: whose certificates a service's checks trust. scripts/guest/ldirectord/Ldirectord.pm reads it. */
import { checkService, negotiates } from "../checkServices";
import { endpoint } from "../../lab/address";
import type { Lab, VirtualService } from "../../lab/types";

/** JSON by ldirectord's name of each service whose check says something else than its library's default; empty when none does. */
export function renderTls({ services }: Pick<Lab, "services">): string {
  const entries = services.flatMap((each) => {
    const { check } = each;
    const { tls } = checkService(check.service);
    if (!negotiates(check.checktype) || tls === undefined) return [];
    const { verify = tls.verify, ca } = check;
    return [[ldirectordId(each), { verify, ca }] as const];
  });
  return entries.length === 0 ? "" : `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

/** What ldirectord calls a service, in its processes' titles too. */
export function ldirectordId(service: VirtualService): string {
  if (service.mark === undefined) return `${service.protocol}:${endpoint(service.vip, service.port)}`;
  return `${service.family === 6 ? "fwm6" : "fwm"}:${service.mark}`;
}
