/** What ldirectord.cf has no option for: whose certificates a service's checks trust. scripts/guest/ldirectord/Ldirectord.pm reads it. */
import { checkService, negotiates } from "../checkServices";
import { endpoint } from "../../lab/address";
import { authority } from "../../guest/certificates";
import { hasLabCertificate } from "../../lab/workloads";
import type { Lab, VirtualService } from "../../lab/types";

/** JSON by ldirectord's name of each service whose check says something else than its library's default; empty when none does. */
export function renderTls(lab: Lab): string {
  const own = lab.authority && authority(lab.authority.secret, lab.prefix).certificate;
  const entries = lab.services.flatMap((each) => {
    const { check } = each;
    const { tls } = checkService(check.service);
    if (!negotiates(check.checktype) || tls === undefined) return [];
    const trusted =
      own !== undefined && hasLabCertificate(lab, each) && check.verify !== false ? own : undefined;
    const { verify = tls.verify || trusted !== undefined, ca = trusted } = check;
    return [[ldirectordId(each), { verify, ca }] as const];
  });
  return entries.length === 0 ? "" : `${JSON.stringify(Object.fromEntries(entries))}\n`;
}

/** What ldirectord calls a service, in its processes' titles too. */
export function ldirectordId(service: VirtualService): string {
  if (service.mark === undefined) return `${service.protocol}:${endpoint(service.vip, service.port)}`;
  return `${service.family === 6 ? "fwm6" : "fwm"}:${service.mark}`;
}
