/** Configuration in, validated lab out: the one way to get a Lab. */
import { scryptSync } from "node:crypto";
import { decode } from "./decode";
import { resolve, type Draft, type Identity } from "./defaults";
import { withDetection } from "./detectionHint";
import { Findings } from "./findings";
import { checkInvariants } from "./invariants";
import { sha256 } from "../../lib/text";
import { canonicalJson } from "../lab/naming";
import { ConfigError, nearest } from "./refusal";
import { checkDirectorFiles } from "./invariantsFiles";
import { checkTexts } from "./invariantsWorkloads";
import { NO_TEXT, type ReadText } from "./textFiles";
import type { LastLab } from "./schema";
import type { Lab, LabNode, VirtualService } from "../lab/types";

export { ConfigError, formatRefusal, formatRefusals, type Refusal } from "./refusal";

/**
 * Reads, completes and validates a stack's configuration.
 * @param raw configuration by key without the project's namespace; values as Pulumi hands them over (numbers, lists
 *   and objects as text) or as plain values. An empty one is the article's lab.
 * @param read the text files that the configuration names, from the project's directory
 * @param last the lab as it was last applied
 * @throws ConfigError with every problem at once
 */
export function parseConfig(
  raw: Readonly<Record<string, unknown>>,
  identity: Identity,
  read: ReadText = () => NO_TEXT,
  last?: LastLab,
): Lab {
  const { config: decoded, problems, tainted } = decode(raw);
  const config = { ...decoded, last };
  const draft = resolve(config, identity, read);
  const findings = new Findings(tainted);
  checkInvariants(findings, config, draft);
  checkTexts(findings, config, read);
  checkDirectorFiles(findings, config, draft, read);
  const refused = problems.map((problem) => withDetection(problem, config, identity));
  const all = [...refused, ...findings.problems];
  if (all.length > 0) throw new ConfigError(all);
  return { ...draft, configHash: configHash(draft) };
}

/**
 * A project's keys without their namespace, from a stack's configuration. Other namespaces are other programs', but for one that
 * is nearly the project's (`lvsdr:vip`): such a key keeps it, and is refused with its name.
 */
export function projectKeys(
  config: Readonly<Record<string, unknown>>,
  project: string,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      const [namespace = "", ...name] = key.split(":");
      if (namespace === project) return [[name.join(":"), value]];
      return nearest(namespace, [project]) === undefined ? [] : [[key, value]];
    }),
  );
}

/** Digest of everything that reaches a guest: what only the host needs (image, pool, memory …) does not count. */
export function configHash(draft: Draft): string {
  const { segments, services, ...rest } = draft;
  // Its addresses of IPv6 are among its NICs'.
  const guest = ({ name, role, address, gateway, gateway6, nics }: LabNode) => ({
    name,
    role,
    address,
    gateway,
    ...(gateway6 === undefined ? {} : { gateway6 }),
    nics,
  });
  const segment = ({ cidr, hostAddress, mtu }: Draft["segments"]["client"]) => ({ cidr, hostAddress, mtu });
  return sha256(
    canonicalJson({
      networks: [segment(segments.client), segment(segments.server)],
      guests: [...rest.clients, ...rest.routers, ...rest.directors, ...rest.realServers].map(guest),
      vipCidr: rest.vipCidr,
      ...(rest.moreVipCidrs && { moreVipCidrs: rest.moreVipCidrs }),
      ...(rest.highAvailability && { highAvailability: rest.highAvailability }),
      arpStrategy: rest.arpStrategy,
      mode: rest.mode,
      ldirectord: rest.ldirectord,
      sorryPage: rest.sorryPage,
      drainTimeout: rest.drainTimeout,
      ...veiledTexts(rest, `${rest.project}/${rest.stack}`),
      services: services.map((service) => veiled(service, `${rest.project}/${rest.stack}`)),
    }),
  );
}

/** Files may hold passwords too; without any, the digest can do without the time that a veil takes. */
function veiledTexts(
  { web, workloads, directorFiles }: Partial<Draft>,
  salt: string,
): { readonly workloads?: string; readonly directorFiles?: string } {
  const veil = (text: string): string => scryptSync(text, salt, 32).toString("hex");
  const text = canonicalJson([workloads, web]);
  const plain =
    web === undefined && workloads?.every(({ script, files }) => (script ?? "") === "" && isEmpty(files));
  return {
    ...((web ?? workloads) && { workloads: plain === true ? sha256(text) : veil(text) }),
    ...(directorFiles && { directorFiles: veil(canonicalJson(directorFiles)) }),
  };
}

const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

/** The digest is public: a password in it must not be found by trying a dictionary. */
function veiled(service: VirtualService, salt: string): unknown {
  const { passwd, secret, ...check } = service.check;
  if (passwd === undefined && secret === undefined) return service;
  const veil = scryptSync(canonicalJson([passwd, secret]), salt, 32).toString("hex");
  return { ...service, check: { ...check, veil } };
}
