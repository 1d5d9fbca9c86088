/** Runs the three-way diagnosis: each real server by its RIP, by the VIP through it alone, and as the client sees it. */
import { parseIpvsSave, expectedTable, serviceKey } from "../model/ipvs";
import { compareTables } from "../model/ipvsCompare";
import { nicOn, type Lab, type VirtualService } from "../model/types";
import { ARPING, parseArping, serverMac } from "./checks/arp";
import { judge, type CheckContext, type Finding, type Probe } from "./checks/check";
import {
  askCommand,
  checkedPage,
  setUpScript,
  targetsOf,
  tearDownScript,
  vipUrl,
  type Target,
} from "./diagnosisScripts";
import { diagnose, type Answer, type Diagnosis, type LabSight, type ServerSight } from "./diagnosisVerdict";
import type { Shell } from "./guestShell";

/** Seconds for one request; all are made at once. */
const REQUEST_LIMIT = 3;
/** Requests of the client's to the live service. */
const LIVE_REQUESTS = 8;

/** Reads what askCommand printed, by the URLs' numbers. */
export function parseAnswers(text: string, count: number): Answer[] {
  const answers = new Map<number, Answer>();
  for (const line of text.split("\n")) {
    const [urlnum, exit, status, server = "", time, error = ""] = line.split("\t");
    if (time === undefined) continue;
    const detail =
      exit === "0" ? `status ${status} in ${Number(time).toFixed(2)} s` : error || `curl ended with ${exit}`;
    answers.set(Number(urlnum), { ok: exit === "0" && status === "200", server, detail });
  }
  return Array.from(
    { length: count },
    (_, i) => answers.get(i) ?? { ok: false, server: "", detail: "not asked" },
  );
}

async function ask(
  shell: Shell,
  node: string,
  asked: readonly { readonly url: string; readonly port?: number }[],
  also = "",
): Promise<{ answers: Answer[]; rest: string }> {
  const { stdout, stderr, code } = await shell.run(node, "bash -s", {
    stdin: `${askCommand(asked, REQUEST_LIMIT)} || true\necho '== rest'\n${also}\n`,
    timeout: 30,
  });
  const [first = "", rest = ""] = stdout.split("== rest\n");
  if (code === 255) throw new Error(`${node}: ${stderr}`);
  return { answers: parseAnswers(first, asked.length), rest };
}

/** Answer of a server that said another name than its own: somebody else took the request. */
function named(answer: Answer, name: string): Answer {
  if (!answer.ok || answer.server === name) return answer;
  return { ...answer, detail: `answered by ${answer.server || "somebody unknown"}` };
}

/** What a real server says of itself. */
type Inside = Pick<ServerSight, "vipOnLo" | "withdrawn">;

/** @param text of `ip -4 -o addr show dev lo` and, below it, the guard's reason if it has one */
export function parseInside(text: string, vip: string): Inside {
  const reason = /^unfit (.*)$/m.exec(text)?.[1];
  return {
    vipOnLo: text.includes(` inet ${vip}/32 `),
    ...(reason === undefined ? {} : { withdrawn: reason }),
  };
}

/** Bash for a real server. */
const INSIDE = `ip -4 -o addr show dev lo; read -r reason 2>/dev/null </run/lvs-dr/unfit && echo "unfit $reason"; true`;

interface Asked {
  readonly direct: readonly Answer[];
  readonly fromRouter: readonly Answer[];
  readonly fromClient: readonly Answer[];
  readonly live: readonly Answer[];
  readonly macs: readonly string[];
  readonly save: string;
  readonly inside: ReadonlyMap<string, Inside>;
}

async function askAll(
  { lab, shell }: CheckContext,
  service: VirtualService,
  targets: readonly Target[],
): Promise<Asked> {
  const url = vipUrl(service);
  const page = checkedPage(service);
  const direct = service.realServers.map(({ address, port }) => ({
    url: `http://${address}:${port}/${page}`,
  }));
  const live = Array.from({ length: LIVE_REQUESTS }, () => ({ url }));
  const readInside = async ({ name }: { name: string }): Promise<[string, Inside][]> => {
    const { code, stdout } = await shell.run(name, INSIDE, { timeout: 15 });
    return code === 0 ? [[name, parseInside(stdout, service.vip)]] : [];
  };
  const askDirector = ask(shell, lab.director.name, direct, "ipvsadm -Sn");
  const [director, router, client, inside] = await Promise.all([
    askDirector,
    ask(
      shell,
      lab.router.name,
      targets.map(({ routerPort }) => ({ url, port: routerPort })),
      `${ARPING} -I ${nicOn(lab.router, "server").device} ${service.vip}`,
    ),
    ask(shell, lab.client.name, [...targets.map(({ clientPort }) => ({ url, port: clientPort })), ...live]),
    // After the RIPs were asked: a guard that has refused there has said by now why.
    askDirector.then(() => Promise.all(service.realServers.map(readInside))),
  ]);
  return {
    direct: director.answers,
    fromRouter: router.answers,
    fromClient: client.answers.slice(0, targets.length),
    live: client.answers.slice(targets.length),
    macs: parseArping(router.rest),
    save: director.rest,
    inside: new Map(inside.flat()),
  };
}

/** Differences of the live table that name a server; marks of ours are not among them. */
function tableDifferences(lab: Lab, service: VirtualService, save: string): (name: string) => string[] {
  const meant = expectedTable(lab).filter((each) => serviceKey(each) === serviceKey(service));
  const table = parseIpvsSave(save).filter((each) => serviceKey(each) === serviceKey(service));
  const names = new Map(lab.realServers.map(({ address, name }) => [address, name]));
  const all = compareTables(table, meant, ({ address }) => names.get(address) ?? address);
  const whole = all.filter((each) => each.startsWith("service "));
  return (name) => [...all.filter((each) => each.startsWith(`${name}: `)), ...whole];
}

/** Puts together what was seen; the sorry server's way is told apart from the real servers'. */
export function sightOf(
  lab: Lab,
  service: VirtualService,
  targets: readonly Target[],
  asked: Asked,
): { sight: LabSight; sorry?: Answer } {
  const differences = tableDifferences(lab, service, asked.save);
  const servers = service.realServers.map(({ name }, i): ServerSight => {
    const node = lab.realServers.find((each) => each.name === name);
    const lost: Answer = { ok: false, server: "", detail: "not asked" };
    return {
      name,
      direct: asked.direct[i] ?? lost,
      fromRouter: named(asked.fromRouter[i] ?? lost, name),
      fromClient: named(asked.fromClient[i] ?? lost, name),
      ...asked.inside.get(name),
      answersArp: node !== undefined && asked.macs.includes(serverMac(node)),
      table: differences(name),
    };
  });
  const sorry = asked.fromRouter[targets.findIndex(({ name }) => name === "sorry")];
  return {
    sight: {
      servers,
      directorAnswersArp: asked.macs.includes(serverMac(lab.director)),
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

/** Diagnoses the real servers of one service. What it puts into the director is out again when it returns or throws. */
export async function diagnoseService(
  context: CheckContext,
  service: VirtualService,
): Promise<DiagnosisResult> {
  const { lab, shell } = context;
  const director = lab.director.name;
  const targets = targetsOf(service);
  const setUp = await shell.run(director, "bash -s", { stdin: setUpScript(service, targets), timeout: 20 });
  if (setUp.code === 3) throw new Error(`${director}: another diagnosis is under way`);
  try {
    if (setUp.code !== 0) throw new Error(`${director}: no service by firewall mark: ${setUp.stderr}`);
    const { sight, sorry } = sightOf(lab, service, targets, await askAll(context, service, targets));
    const names = { vip: service.vip, router: lab.router.name, director };
    return { diagnoses: diagnose(sight, names), sight, ...(sorry ? { sorry } : {}) };
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
  const findings = result.diagnoses.map(({ server, verdict, because, fix }) => {
    const sight = result.sight.servers.find(({ name }) => name === server);
    const seen =
      `${verdict}: ${because}` +
      (sight === undefined
        ? ""
        : ` [RIP from ${lab.director.name}: ${sight.direct.detail}; ${vip} through ${server} from ${lab.router.name}: ` +
          `${sight.fromRouter.detail}, from ${lab.client.name}: ${sight.fromClient.detail}]`);
    const evidence = {
      where: `${lab.director.name}, ${lab.router.name}, ${lab.client.name}`,
      command: `curl the RIP; curl ${vipUrl(service)} by firewall mark through ${server} alone`,
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
  const evidence = {
    where: lab.router.name,
    command: `curl ${vipUrl(service)} by firewall mark through the sorry server alone`,
    seen: result.sorry.detail + (result.sorry.server ? ` from ${result.sorry.server}` : ""),
    expected: "an answer with status 200",
  };
  const local = service.sorry?.address === "127.0.0.1";
  return [
    ...findings,
    judge(
      `diagnosis.${service.name}.sorry`,
      "the sorry server would serve the VIP if it had to",
      result.sorry.ok,
      evidence,
      local
        ? `on ${lab.director.name}: systemctl status nginx; it must listen on every address`
        : "is it up?",
    ),
  ];
}

export const diagnosisProbe: Probe = {
  group: "diagnosis",
  async look(context) {
    const findings: Finding[] = [];
    for (const service of context.lab.services.filter(({ protocol }) => protocol === "tcp"))
      findings.push(...findingsOf(context.lab, service, await diagnoseService(context, service)));
    return findings;
  },
};
