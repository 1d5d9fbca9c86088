/** The virtual servers of keepalived.conf: a lab's services, with their checks. */
import { hasVrrp } from "../connectionSync";
import { checkers } from "./checkers";
import { tableWeight } from "../ipvs/table";
import type { Lab, RealServerEntry, VirtualService } from "../../lab/types";

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** Without port where packets keep their own. */
const place = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  port === 0 ? address : `${address} ${port}`;

/** Programs run as root, and only such as root alone can change; where VRRP runs too, its part says so. */
const GLOBALS = ["global_defs {", "  script_user root", "  enable_script_security", "}"];

export function renderCheckers(lab: Lab): string {
  const globals = hasVrrp(lab) ? [] : GLOBALS;
  return `${[...globals, ...lab.services.flatMap(virtualServer)].join("\n")}\n`;
}

function virtualServer(service: VirtualService): string[] {
  const { vip, port, mark, protocol, scheduler, schedulerFlags, persistent, netmask, ops, sorry } = service;
  return [
    `virtual_server ${mark === undefined ? `${vip} ${port}` : `fwmark ${mark}`} {`,
    ...indent([
      ...(mark === undefined ? [`protocol ${protocol.toUpperCase()}`] : []),
      `lvs_sched ${scheduler}`,
      ...schedulerFlags,
      ...(ops ? ["ops"] : []),
      "lvs_method DR",
      ...(persistent === undefined ? [] : [`persistence_timeout ${persistent}`]),
      ...(netmask === undefined ? [] : [`persistence_granularity ${netmask}`]),
      `delay_loop ${service.check.checkinterval}`,
      ...(service.quiescent ? ["inhibit_on_failure"] : []),
      ...(sorry === undefined ? [] : [`sorry_server ${place(sorry)}`, "sorry_server_lvs_method DR"]),
      ...service.realServers.flatMap((server) => realServer(service, server)),
    ]),
    "}",
  ];
}

function realServer(service: VirtualService, server: RealServerEntry): string[] {
  const { lowerThreshold, upperThreshold } = server;
  return [
    `real_server ${place(server)} {`,
    ...indent([
      `weight ${tableWeight(server)}`,
      ...(upperThreshold === undefined ? [] : [`uthreshold ${upperThreshold}`]),
      ...(lowerThreshold === undefined ? [] : [`lthreshold ${lowerThreshold}`]),
      ...checkers(service, server).flat(),
    ]),
    "}",
  ];
}
