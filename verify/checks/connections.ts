/** Connections of the client's to services that the built-in web server does not serve. */
import { serviceKey } from "../../model/lab/target";
import { askScript, parseAnswers } from "../../health/requests";
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
  const { stdout } = await shell.run(lab.clients[0].name, "bash -s", {
    stdin: askScript(
      Array.from({ length: CONNECTIONS }, () => ({ url })),
      LIMIT,
    ),
    timeout: 20 + LIMIT,
  });
  const accepted = parseAnswers(stdout, CONNECTIONS).answers.filter(({ ok }) => ok).length;
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
