/** Runs the three-way diagnosis: each real server by its RIP, by the VIP through it alone, and as the client sees it. */
import { lacksCommand } from "../../health/commands";
import { vipMac } from "../../model/director/vipHolder";
import { familyOf, hostPrefix } from "../../model/lab/address";
import { expectedTable, parseIpvsSave, type IpvsService } from "../../model/director/ipvs/table";
import { serviceKey } from "../../model/lab/target";
import { compareTables, type Difference } from "../../model/director/ipvs/compare";
import { wrongPages } from "../../model/guest/pages";
import { lastHop } from "../../model/lab/lastHop";
import { webProtocol } from "../../model/lab/workloads";
import { addressOf, askedUrl, isOwnSorry, nicOn, type Lab, type VirtualService } from "../../model/lab/types";
import { macOwner, serverMac } from "../checks/arp";
import { parseArping, whoHas } from "../../health/arping";
import {
  judge,
  lacksAnEnd,
  NOT_TCP,
  skipped,
  type CheckContext,
  type Finding,
  type Probe,
} from "../checks/check";
import { askEach } from "../../lib/askEach";
import { parseNeighbours } from "../checks/neighbours";
import { checkedPage, setUpScript, targetsOf, tearDownScript, type Target } from "./scripts";
import { trace } from "./trace";
import { diagnose, type Diagnosis, type LabSight, type Names, type ServerSight } from "./verdict";
import type { Shell } from "../../lib/ssh";
import type { Problem } from "../../model/lab/problem";
import { askScript, NOT_ASKED, parseAnswers, type Answer, type Asked } from "../../health/requests";

/** Seconds for one request. */
const REQUEST_LIMIT = 3;
/** Requests of the client's to the live service. */
const LIVE_REQUESTS = 8;

async function ask(
  shell: Shell,
  node: string,
  asked: readonly Asked[],
  also = "",
): Promise<{ answers: Answer[]; rest: string }> {
  const { stdout, stderr, code } = await shell.run(node, "bash -s", {
    stdin: askScript(asked, REQUEST_LIMIT, also),
    timeout: 30,
  });
  if (code === 255) throw new Error(`${node}: ${stderr}`);
  return parseAnswers(stdout, asked.length);
}

/** A connection alone tells no name: it was to that server alone. */
function told(service: VirtualService, name: string, answer = NOT_ASKED): Answer {
  return webProtocol(service) === undefined ? { ...answer, server: name } : answer;
}

/** Answer of a server that said another name than its own: somebody else took the request. */
function named(answer: Answer, name: string): Answer {
  if (!answer.ok || answer.server === name) return answer;
  return { ...answer, detail: `answered by ${answer.server || "somebody unknown"}` };
}

/** What a real server says of itself. */
type Inside = Pick<ServerSight, "vipOnLo" | "withdrawn">;

/** @param text of `ip -o addr show dev lo` and, below it, the guard's reason if it has one */
export function parseInside(text: string, vip: string): Inside {
  const reason = /^unfit (.*)$/m.exec(text)?.[1];
  return {
    vipOnLo: text.includes(` inet${familyOf(vip) === 6 ? "6" : ""} ${hostPrefix(vip)} `),
    ...(reason === undefined ? {} : { withdrawn: reason }),
  };
}

/** Bash for a real server. */
const INSIDE = `ip -o addr show dev lo; read -r reason 2>/dev/null </run/lvs-dr/unfit && echo "unfit $reason"; true`;

interface Seen {
  readonly direct: readonly Answer[];
  readonly fromRouter: readonly Answer[];
  readonly fromClient: readonly Answer[];
  readonly live: readonly Answer[];
  readonly macs: readonly string[];
  readonly save: string;
  /** The director's neighbours: MAC by address. */
  readonly neighbours: ReadonlyMap<string, string>;
  readonly inside: ReadonlyMap<string, Inside>;
}

async function askAll(
  { lab, shell }: CheckContext,
  service: VirtualService,
  targets: readonly Target[],
): Promise<Seen> {
  const url = askedUrl(service);
  const page = checkedPage(service);
  const direct = service.realServers.map(({ address }) => ({
    url: `${askedUrl(service, address)}${page}`,
  }));
  const live = Array.from({ length: LIVE_REQUESTS }, () => ({ url }));
  const readInside = async ({ name }: { name: string }): Promise<[string, Inside][]> => {
    const { code, stdout } = await shell.run(name, INSIDE, { timeout: 15 });
    return code === 0 ? [[name, parseInside(stdout, service.vip)]] : [];
  };
  const askDirector = ask(shell, lab.directors[0].name, direct, "ip neigh show; echo; ipvsadm -Sn");
  const [director, router, client, inside] = await Promise.all([
    askDirector,
    ask(
      shell,
      lab.routers[0].name,
      targets.map(({ routerPort }) => ({ url, port: routerPort })),
      whoHas(service.vip, nicOn(lab.routers[0], "server").device, 2),
    ),
    ask(shell, lab.clients[0].name, [
      ...targets.map(({ clientPort }) => ({ url, port: clientPort })),
      ...live,
    ]),
    // After the RIPs were asked: a guard that has refused there has said by now why.
    askDirector.then(() => askEach(service.realServers, readInside)),
  ]);
  const [neighbours = "", save = ""] = director.rest.split("\n\n");
  return {
    direct: director.answers,
    fromRouter: router.answers,
    fromClient: client.answers.slice(0, targets.length),
    live: client.answers.slice(targets.length),
    macs: parseArping(router.rest),
    save,
    neighbours: parseNeighbours(neighbours),
    inside: new Map(inside.flat()),
  };
}

/** How a service's live entries differ, by who is concerned: a real server's name, or the service itself. */
function tableDifferences(lab: Lab, service: VirtualService, save: string): Difference[] {
  const own = (table: IpvsService[]): IpvsService[] =>
    table.filter((each) => serviceKey(each) === serviceKey(service));
  return compareTables(own(parseIpvsSave(save)), own(expectedTable(lab)), lab);
}

/** @param answers good ones; a connection alone brings no page */
const wrongPagesOf = (lab: Lab, service: VirtualService, answers: readonly Answer[]): Problem[] =>
  webProtocol(service) === undefined ? [] : wrongPages(lab, askedUrl(service), answers);

/** Puts together what was seen; the sorry server's way is told apart from the real servers'. */
export function sightOf(
  lab: Lab,
  service: VirtualService,
  targets: readonly Target[],
  asked: Seen,
): { sight: LabSight; sorry?: Answer } {
  const differences = tableDifferences(lab, service, asked.save);
  const servers = service.realServers.map(({ name }, i): ServerSight => {
    const node = lab.realServers.find((each) => each.name === name);
    const fromRouter = told(service, name, asked.fromRouter[i]);
    const fromClient = told(service, name, asked.fromClient[i]);
    const own = [fromRouter, fromClient].filter(({ ok, server }) => ok && server === name);
    const [page] = wrongPagesOf(lab, service, own);
    const mac = asked.neighbours.get((node && addressOf(node, familyOf(service.vip))) ?? "");
    return {
      name,
      direct: told(service, name, asked.direct[i]),
      fromRouter: named(fromRouter, name),
      fromClient: named(fromClient, name),
      ...(page === undefined ? {} : { page }),
      ...(node === undefined || mac === undefined || mac === serverMac(node)
        ? {}
        : { neighbour: macOwner(lab, mac) }),
      ...asked.inside.get(name),
      answersArp: node !== undefined && asked.macs.includes(serverMac(node)),
      table: differences
        .filter(({ subject }) => subject === name || subject === `service ${serviceKey(service)}`)
        .map(({ text }) => text),
    };
  });
  const sorry = asked.fromRouter[targets.findIndex(({ name }) => name === "sorry")];
  return {
    sight: {
      servers,
      directorAnswersArp: asked.macs.includes(vipMac(lab, service.vip)),
      clientReachesVip: [...asked.fromClient, ...asked.live].some(({ ok }) => ok),
    },
    ...(sorry ? { sorry } : {}),
  };
}

export interface DiagnosisResult {
  readonly diagnoses: readonly Diagnosis[];
  readonly sight: LabSight;
  /** The director's sorry server, asked the same way; absent when the lab has none. */
  readonly sorry?: Answer;
}

/** A capture on each real server between which and its asker something is lost; which side it is on is unknown before. */
async function traceLost(
  context: CheckContext,
  service: VirtualService,
  targets: readonly Target[],
  sight: LabSight,
  diagnoses: readonly Diagnosis[],
): Promise<LabSight> {
  const lost = diagnoses.filter(({ verdict }) => verdict === "replies are lost").map(({ server }) => server);
  const servers = await askEach(sight.servers, async (server): Promise<ServerSight> => {
    const node = context.lab.realServers.find(({ name }) => name === server.name);
    const target = targets.find(({ name }) => name === server.name);
    if (!lost.includes(server.name) || node === undefined || target === undefined) return server;
    const { fromRouter } = server;
    const from = fromRouter.ok && fromRouter.server === server.name ? "client" : "router";
    // Without a capture, such as on a server whose disk is full, there is the verdict that there was.
    const seen = await trace(context, service, node, target, from).catch(() => undefined);
    return seen === undefined ? server : { ...server, trace: seen };
  });
  return { ...sight, servers };
}

/** Diagnoses the real servers of one service. What it puts into the director is out again when it returns or throws. */
export async function diagnoseService(
  context: CheckContext,
  service: VirtualService,
): Promise<DiagnosisResult> {
  const { lab, shell } = context;
  const director = lab.directors[0].name;
  const targets = targetsOf(service);
  // Without one of them nothing can be told apart: no service is set up for it, and no real server asked.
  await askEach([lab.routers[0], lab.clients[0]], async ({ name }) => {
    const { code, stderr } = await shell.run(name, ":");
    if (code !== 0) throw new Error(`${name}: cannot be asked (${code ?? "no answer in time"}): ${stderr}`);
  });
  const setUp = await shell.run(director, "bash -s", { stdin: setUpScript(service, targets), timeout: 20 });
  if (setUp.code === 3) throw new Error(`${director}: another diagnosis is under way`);
  try {
    if (setUp.code !== 0) throw new Error(`${director}: no service by firewall mark: ${setUp.stderr}`);
    const first = sightOf(lab, service, targets, await askAll(context, service, targets));
    const names: Names = {
      vip: service.vip,
      router: lab.routers[0].name,
      lastHop: lastHop(lab).name,
      director,
      serving:
        webProtocol(service) === undefined ? `ss -ltn sport = :${service.port}` : "systemctl status nginx",
      owner: (mac) => macOwner(lab, mac),
    };
    const sight = await traceLost(context, service, targets, first.sight, diagnose(first.sight, names));
    return { diagnoses: diagnose(sight, names), sight, ...(first.sorry ? { sorry: first.sorry } : {}) };
  } finally {
    const { code, stdout, stderr } = await shell.run(director, "bash -s", {
      stdin: tearDownScript(targets),
      timeout: 20,
    });
    if (code !== 0)
      process.stderr.write(`${director}: services by firewall mark are left: ${stdout}${stderr}\n`);
  }
}

export function findingsOf(lab: Lab, service: VirtualService, result: DiagnosisResult): Finding[] {
  const { vip } = service;
  const how = webProtocol(service) === undefined ? "connect to" : "curl";
  const findings = result.diagnoses.map(({ server, verdict, because, fix }) => {
    const sight = result.sight.servers.find(({ name }) => name === server);
    const seen =
      `${verdict}: ${because}` +
      (sight === undefined
        ? ""
        : ` [RIP from ${lab.directors[0].name}: ${sight.direct.detail}; ${vip} through ${server} from ${lab.routers[0].name}: ` +
          `${sight.fromRouter.detail}, from ${lab.clients[0].name}: ${sight.fromClient.detail}]`);
    const evidence = {
      where: `${lab.directors[0].name}, ${lab.routers[0].name}, ${lab.clients[0].name}`,
      command: `${how} the RIP; ${how} ${askedUrl(service)} by firewall mark through ${server} alone`,
      seen,
      expected: "ok",
    };
    return judge(
      `diagnosis.${service.name}.${server}`,
      `${server} is well on all three ways`,
      verdict === "ok",
      evidence,
      fix,
    );
  });
  if (result.sorry === undefined) return findings;
  const [page] = wrongPagesOf(lab, service, result.sorry.ok ? [result.sorry] : []);
  const evidence = {
    where: lab.routers[0].name,
    command: `${how} ${askedUrl(service)} by firewall mark through the sorry server alone`,
    seen:
      result.sorry.detail +
      (result.sorry.server ? ` from ${result.sorry.server}` : "") +
      (page === undefined ? "" : `: ${page.text}`),
    expected: how === "curl" ? "an answer with status 200, and the sorry page" : "a connection",
  };
  const local = isOwnSorry(service);
  return [
    ...findings,
    judge(
      `diagnosis.${service.name}.sorry`,
      "the sorry server would serve the VIP if it had to",
      result.sorry.ok && page === undefined,
      evidence,
      local
        ? `on ${lab.directors[0].name}: systemctl status nginx; it must listen on every address`
        : "is it up?",
    ),
  ];
}

export const diagnosisProbe: Probe = {
  group: "diagnosis",
  async look(context) {
    const findings: Finding[] = [];
    const { lab, shell } = context;
    const why =
      lacksAnEnd(lab) ??
      (await lacksCommand(shell, [
        [lab.directors[0], "curl", "nft"],
        [lab.routers[0], "curl"],
      ]));
    if (why !== undefined)
      return [skipped("diagnosis.ways", "each real server is well on all three ways", why)];
    for (const service of lab.services) {
      if (service.protocol === "tcp")
        findings.push(...findingsOf(lab, service, await diagnoseService(context, service)));
      else findings.push(skipped(`diagnosis.${service.name}.ways`, `${service.name}: each way`, NOT_TCP));
    }
    return findings;
  },
};
