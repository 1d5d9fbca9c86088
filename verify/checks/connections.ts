/** Connections of the client's to services that the built-in web server does not serve. */
import { serviceKey } from "../../model/lab/target";
import { answered } from "../../health/requests";
import { askedUrl, type VirtualService } from "../../model/lab/types";
import { judge, type CheckContext, type Finding } from "./check";

/** Enough that under wrr each server has its turn. */
const CONNECTIONS = 8;
/** Seconds for one. */
const LIMIT = 3;

/** Each connection is made and closed, and nothing said: what a server says first depends on its protocol. */
export async function lookAtConnections(
  { lab, shell }: CheckContext,
  service: VirtualService,
): Promise<Finding> {
  const { name, workload } = service;
  const url = askedUrl(service);
  const asked = Array.from({ length: CONNECTIONS }, () => ({ url }));
  const accepted = await answered(shell, lab.clients[0].name, asked, LIMIT);
  return judge(
    `weights.${name}.accepted`,
    `connections to ${serviceKey(service)} are accepted`,
    accepted === CONNECTIONS,
    {
      where: lab.clients[0].name,
      command: `connect to ${url}`,
      seen: `${accepted} of ${CONNECTIONS}; workload ${workload}, whose answers do not name a server, so that none is counted`,
      expected: `${CONNECTIONS}`,
    },
    "scripts/lab status names what a real server finds wrong with its workload",
  );
}
