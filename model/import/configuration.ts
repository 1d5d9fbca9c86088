/** A stack's configuration from the services, machines and networks of a file. */
import type { Identity } from "../config/defaults";
import { configSchema } from "../config/schema";
import { given, MAIN } from "../config/serviceDefaults";
import { Prefix, withLength } from "../lab/address";
import type { Draft } from "./drafts";
import { addressesOf, type Machine } from "./machines";
import {
  nodeAddresses,
  nodeAddresses6,
  placeAddresses,
  placeSix,
  type Placed,
  type PlacedSix,
} from "./networks";
import { isOwn, type Fields, type Source } from "./source";

export const TIMES = ["checktimeout", "negotiatetimeout", "checkinterval", "failurecount"] as const;

/** What the services have beside themselves. */
export interface Shared {
  readonly mode: Source["mode"];
  readonly ldirectord: Fields;
  /** `highAvailability` of two directors. */
  readonly pair: Fields | undefined;
}

export class Places {
  private readonly four: Placed;
  private readonly six: PlacedSix;

  constructor(
    drafts: readonly Draft[],
    private readonly machines: ReadonlyMap<string, Machine>,
    networks: readonly string[],
    { stack }: Identity,
  ) {
    const all = [...new Set(machines.values())];
    const vips = (family: Draft["family"]): string[] => [
      ...new Set(drafts.flatMap((draft) => (draft.family === family ? draft.vip : []))),
    ];
    const sixes = all.flatMap(({ six }) => six ?? []);
    this.four = placeAddresses(
      all.map((each) => each.four),
      vips(4),
      networks,
      stack,
    );
    this.six = placeSix(sixes, vips(6), networks, stack);
  }

  /** New addresses of those that change. */
  get moved(): [from: string, to: string][] {
    return [...this.four.moved, ...this.six.moved];
  }

  addressOf(address: string): string {
    return this.four.moved.get(address) ?? this.six.moved.get(address) ?? address;
  }

  private networkOf({ vip }: Draft): Prefix {
    return this.four.vipNetworks.get(vip) ?? Prefix.parse(this.four.serverCidr);
  }

  private machineOf(address: string): Machine {
    const machine = this.machines.get(address);
    if (machine === undefined) throw new Error(`no machine has ${address}`);
    return machine;
  }

  configuration(drafts: readonly Draft[], { mode, ldirectord, pair }: Shared): Fields {
    const { serverCidr, clientCidr } = this.four;
    const fours = drafts.filter(({ family }) => family === 4);
    const six = fours.length < drafts.length ? this.six : undefined;
    const [first] = fours;
    const vipCidr = first === undefined ? serverCidr : String(this.networkOf(first));
    const elsewhere = fours.filter((draft) => String(this.networkOf(draft)) !== vipCidr);
    const used = new Set(drafts.flatMap(addressesOf).map((address) => this.machineOf(address)));
    const servers = [...new Set(this.machines.values())].filter((each) => used.has(each));
    const vips = drafts.map(({ vip }) => vip);
    const taken = [...servers.flatMap((each) => [each.four, each.six ?? []].flat()), ...vips].map((each) =>
      this.addressOf(each),
    );
    const usual = { host: 1, router: 200, director: 30, ...(pair && { second: 29 }) };
    const taken4 = taken.filter((each) => !each.includes(":"));
    const { host, ...nodes } = nodeAddresses(serverCidr, taken4, usual);
    const { vip: routerVip } = serverCidr === vipCidr ? {} : nodeAddresses(vipCidr, taken4, { vip: 200 });
    const sixes =
      six &&
      this.nodesOfSix(
        six,
        taken.filter((each) => each.includes(":")),
        usual,
        nodes,
        servers,
      );
    const [director, second] = (["director", "second"] as const).map((node) =>
      given({ address: nodes[node], address6: sixes?.[node] }),
    );
    const router = given({
      serverAddress: nodes.router,
      vipAddress: routerVip,
      serverAddress6: sixes?.router,
      vipAddress6: sixes?.vip,
    });
    const services = drafts.map((draft) => this.serviceOf(draft, drafts, servers));
    const [main = {}, ...others] = services;
    // Of the main service most keys are the stack's own. Beside IPv6 its VIP is not: it would be served at one of each family.
    const isOwnKey = (key: string): boolean =>
      key in configSchema.shape && !/^(realServers|ldirectord)$/.test(key) && !(six && key === "vip");
    const changes = Object.fromEntries(Object.entries(main).filter(([key]) => !isOwnKey(key)));
    const top = Object.fromEntries(Object.entries(main).filter(([key]) => isOwnKey(key)));
    const listed = [...(Object.keys(changes).length > 1 ? [changes] : []), ...others];
    const inPair = pair && { directors: [director, second], highAvailability: pair };
    const chosen = given({ mode: mode === "ldirectord" ? undefined : mode, ...(pair ? {} : director) });
    return given({
      clientNetwork: given({ cidr: clientCidr, cidr6: six?.clientCidr }),
      serverNetwork: given({ cidr: serverCidr, cidr6: six?.serverCidr, hostAddress: host }),
      vipCidr,
      vip6Cidr: six?.vipCidr,
      vips:
        elsewhere.length > 0
          ? [
              ...new Set(
                elsewhere.map((draft) => withLength(this.addressOf(draft.vip), this.networkOf(draft).length)),
              ),
            ]
          : undefined,
      router: orNone(router),
      director: orNone(chosen),
      ...inPair,
      ...top,
      realServers: servers.map((each) =>
        given({
          name: each.name,
          address: this.addressOf(each.four),
          address6: six && each.six !== undefined ? this.addressOf(each.six) : sixes?.[each.name],
          ...each.fields,
        }),
      ),
      services: listed.length === 0 ? undefined : listed,
      ldirectord: orNone(ldirectord),
    });
  }

  /** Whose addresses of IPv6 by rule somebody else has: those of the nodes, and of real servers without one in the file. */
  private nodesOfSix(
    { serverCidr, vipCidr }: PlacedSix,
    taken: readonly string[],
    { host: _host, ...usual }: Readonly<Record<string, number>>,
    own: Readonly<Record<string, string>>,
    servers: readonly Machine[],
  ): Record<string, string> {
    const { network } = Prefix.parse(this.four.serverCidr);
    const nodes = Object.entries(usual).map(([node, part]) => [
      node,
      own[node] ?? String(network.plus(part)),
    ]);
    const others = servers.flatMap(({ name, four, six }) =>
      six === undefined ? [[name, this.addressOf(four)]] : [],
    );
    const among = nodeAddresses6(
      serverCidr,
      taken,
      this.four.serverCidr,
      Object.fromEntries([...nodes, ...others]) as Record<string, string>,
    );
    // By rule it would depend on how the VIPs of IPv4 lie.
    const usualVip = 0x200;
    const vip = Prefix.parse(vipCidr).network.plus(usualVip);
    const atVip =
      vipCidr === serverCidr ? {} : { vip: String(vip), ...nodeAddresses(vipCidr, taken, { vip: usualVip }) };
    return { ...among, ...atVip };
  }

  /** One of IPv6 has its machine's address of IPv4 too: without an address of its own a service has the director's page, or none. */
  private standIn(address: string): Fields {
    const { four, six } = this.machineOf(address);
    const isSix = six === address;
    return given({ address: this.addressOf(four), address6: isSix ? this.addressOf(six) : undefined });
  }

  /** @param servers the lab's */
  private serviceOf(
    { name, vip, fields, members, source }: Draft,
    drafts: readonly Draft[],
    servers: readonly Machine[],
  ): Fields {
    const [main] = drafts;
    const { healthCheck, ldirectord, protocol, ...others } = fields as Record<string, Fields>;
    const isMain = name === MAIN;
    const inherited = (key: string): boolean =>
      !isMain && main !== undefined && fields[key] === main.fields[key];
    const times = TIMES.filter(
      (time) => !isMain && healthCheck?.[time] === (main?.fields.healthCheck as Fields)[time],
    );
    const listed = members.map(({ source: { address }, fields: { weight, ...own } }) => {
      const server = this.machineOf(address);
      return given({
        name: server.name,
        weight: weight === server.fields.weight ? undefined : weight,
        ...own,
      });
    });
    const isAll =
      listed.every((each) => Object.keys(each).length === 1) &&
      servers.length === listed.length &&
      listed.every((each, index) => each.name === servers[index]?.name);
    const { sorry } = source;
    const standIn = sorry && (isOwn(sorry) ? { address: "127.0.0.1" } : this.standIn(sorry.address));
    const isAlone = drafts.every((each) => each.family === 4);
    return given({
      name,
      vip: isAlone && !isMain && main?.vip === vip ? undefined : this.addressOf(vip),
      protocol: (protocol as unknown) === "tcp" ? undefined : protocol,
      ...Object.fromEntries(
        Object.entries(others).filter(([key]) => !/^(scheduler|quiescent)$/.test(key) || !inherited(key)),
      ),
      healthCheck: Object.fromEntries(
        Object.entries(healthCheck ?? {}).filter(([key]) => !times.includes(key as never)),
      ),
      sorryServer: fields.sorryServer ?? standIn ?? false,
      realServers: isAll ? undefined : listed,
      ldirectord: orNone(ldirectord ?? {}),
    });
  }
}

const orNone = (fields: Fields): Fields | undefined =>
  Object.keys(fields).length === 0 ? undefined : fields;
