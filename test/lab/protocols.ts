/** The services of examples/protocols.yaml, asked by real clients through the VIP while their servers on one real server die and come back. */
import { expect } from "vitest";
import { endpoint, hostPrefix, Prefix } from "../../model/lab/address";
import { serviceKey, targetArguments } from "../../model/lab/target";
import { nicOn } from "../../model/lab/types";
import { eventually, health, inGuests } from "./support";

const VIP = "10.0.0.100";
const CURL = "curl -sS --max-time 30";
const MAIL = "--mail-from a@lab.internal --mail-rcpt b@lab.internal --upload-file /tmp/mail";

/** By service: a command of the client's that ends with 0 where it is served, and what it prints then. No certificate is taken for granted. */
const CLIENTS: Readonly<Record<string, readonly [string, RegExp]>> = {
  main: [`${CURL} http://${VIP}/`, /^<h1>rs[12]<\/h1>/],
  https: [`${CURL} https://${VIP}/`, /^<h1>rs[12]<\/h1>/],
  ftp: [`${CURL} ftp://${VIP}/whoami`, /^rs[12]/],
  smtp: [`${CURL} -v ${MAIL} smtp://${VIP} 2>&1`, /220 rs[12].*250 OK id=/s],
  submission: [`${CURL} -v ${MAIL} smtp://${endpoint(VIP, 587)} 2>&1`, /220 rs[12].*250 OK id=/s],
  pop: [`${CURL} -v -u me:secret pop3://${VIP}/ 2>&1`, /OK rs[12] ready.*OK Logged in/s],
  pops: [`${CURL} -v -u me:secret pop3s://${VIP}/ 2>&1`, /OK rs[12] ready.*OK Logged in/s],
  imap: [`${CURL} -u me:secret imap://${VIP}/`, /INBOX/],
  imaps: [`${CURL} -u me:secret imaps://${VIP}/`, /INBOX/],
  ldap: [`${CURL} 'ldap://${VIP}/dc=example,dc=com?o'`, /o: rs[12]/],
  dns: [`dig +short @${VIP} TXT whoami.example.com`, /^"rs[12]"/],
  "dns-tcp": [`dig +short +tcp @${VIP} TXT whoami.example.com`, /^"rs[12]"/],
  mysql: [`mariadb -N -h ${VIP} -ucheck -psecret -e 'SELECT @@hostname'`, /^rs[12]/],
  pgsql: [`PGPASSWORD=secret psql -h ${VIP} -U check -d postgres -Atc 'SHOW lab.node'`, /^rs[12]/],
};

const UNITS = ["ftp", "smtp", "mailbox", "ldap", "dns", "mysql", "pgsql"].map((name) => `lab-${name}`);
const DEADLINE = 240;

/**
 * What the client prints that asks each of these services.
 * @param turn from 1 on it asks persistent services from an address of its own each time: they keep to a server by it
 */
const answers = (
  stack: string,
  names: Iterable<string>,
  turn = 0,
): Promise<[name: string, answer: string][]> =>
  inGuests(async (shell, lab) => {
    const seen: [string, string][] = [];
    const [client] = lab.clients;
    const from = String(Prefix.parse(lab.segments.client.cidr).network.plus(100 + (turn % 60)));
    for (const name of names) {
      const [command = ""] = CLIENTS[name] ?? [];
      const isTied = turn > 0 && lab.services.find((each) => each.name === name)?.persistent !== undefined;
      const asked = isTied
        ? `ip addr replace ${hostPrefix(from)} dev ${nicOn(client, "client").device} && ${command.replace(CURL, `${CURL} --interface ${from}`)}`
        : command;
      const { stdout } = await shell.run(client.name, asked, { timeout: 45 });
      seen.push([name, stdout]);
    }
    return seen;
  }, stack);

/** @param dead whose word no answer may be */
async function askEverything(stack: string, dead?: string): Promise<void> {
  for (const [name, answer] of await answers(stack, Object.keys(CLIENTS))) {
    expect(answer, name).toMatch(CLIENTS[name]?.[1] ?? /^$/);
    if (dead !== undefined) expect(answer, name).not.toContain(dead);
  }
}

/** Asks each that tells who answers, until that server has. */
async function isHeardOf(stack: string, server: string): Promise<void> {
  const left = new Set(Object.keys(CLIENTS).filter((name) => CLIENTS[name]?.[1].source.includes("rs[12]")));
  let turn = 0;
  await eventually(DEADLINE, async () => {
    for (const [name, answer] of await answers(stack, [...left], ++turn))
      if (answer.includes(server)) left.delete(name);
    expect([...left]).toEqual([]);
  });
}

/** The services that a real server is in, by the kernel's table. */
const servicesOf = (stack: string, server: string): Promise<string[]> =>
  inGuests(async (shell, lab) => {
    const table = await shell.check(lab.directors[0].name, "ipvsadm -Sn");
    const node = lab.realServers.find(({ name }) => name === server);
    return lab.services.flatMap((service) => {
      const port = service.mark === undefined ? service.port : 0;
      const entry = `-a ${targetArguments(service)} -r ${endpoint(node?.address ?? "", port)} `;
      return table.includes(entry) ? [serviceKey(service)] : [];
    });
  }, stack);

/** Each service is served; its server on rs1 dies and is out, clients are served by rs2; then it is back. */
export async function everyProtocol(stack: string): Promise<void> {
  const all = (await inGuests((_shell, { services }) => Promise.resolve(services), stack)).map(serviceKey);
  expect(all).toHaveLength(Object.keys(CLIENTS).length);
  const mail = "printf 'Subject: hello\\n\\nhello\\n' >/tmp/mail";
  await inGuests((shell, { clients }) => shell.check(clients[0].name, mail), stack);
  await askEverything(stack);
  const kill = `systemctl stop nginx; systemctl kill --kill-whom=all -s KILL ${UNITS.join(" ")}`;
  await inGuests((shell) => shell.check("rs1", kill), stack);
  await eventually(DEADLINE, async () => expect(await servicesOf(stack, "rs1")).toEqual([]));
  await askEverything(stack, "rs1");
  await inGuests((shell) => shell.check("rs1", "/usr/local/sbin/lvs-dr start", { timeout: 200 }), stack);
  await eventually(DEADLINE, async () => expect(await servicesOf(stack, "rs1")).toEqual(all));
  await eventually(DEADLINE, async () => expect((await health(stack)).problems).toEqual([]));
  await isHeardOf(stack, "rs1");
}
