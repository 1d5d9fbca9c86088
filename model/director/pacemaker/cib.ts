/** What Pacemaker is told to do, as `cibadmin --query` prints it: then one comparison of texts says whether it is so. */
import { familyOf, hostPrefix } from "../../lab/address";
import { nicOn, vipsOf, type Lab, type LabNode } from "../../lab/types";
import { pairOf } from "../connectionSync";
import { controlPlane } from "../controlPlane";
import { FENCE_DELAY, FENCE_KEY, fencePlace } from "./fencing";

/** Pacemaker's name of the VIPs as one, and of the first of them. */
export const VIPS = "vips";
export const FIRST_VIP = "vip-1";
/** Node attribute of ocf:pacemaker:ping: 1 on a director that reaches the router. */
const ROUTER = "router";
/** Node attribute that a director has a while after it has started. */
export const SETTLED = "lvs-dr-settled";
/** Seconds after which the preferred director takes the VIPs back, as with keepalived. */
export const PREEMPT_DELAY = 60;
/** More than any priority. */
const STAY = 1000;
/** Without KVM an agent of a few shell commands takes seconds. */
const TIMEOUT = "90s";
/** Seconds between two looks at what ends for no reason of its own: each of them costs such a guest a second or two of its processor. */
const MONITOR = 30;

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly Element[];
}

const element = (
  name: string,
  attributes: Element["attributes"],
  ...children: readonly Element[]
): Element => ({ name, attributes, children });

const escaped = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

function render({ name, attributes, children }: Element, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const head = `${indent}<${name}${words.join("")}`;
  if (children.length === 0) return [`${head}/>`];
  return [`${head}>`, ...children.flatMap((child) => render(child, depth + 1)), `${indent}</${name}>`];
}

/** Names and values, in a set of that element's name. */
function pairs(set: string, id: string, values: Readonly<Record<string, string | number>>): Element {
  const each = Object.entries(values).map(([name, value]) =>
    element("nvpair", { id: `${id}-${name}`, name, value }),
  );
  return element(set, { id }, ...each);
}

interface Primitive {
  readonly id: string;
  /** "ocf:heartbeat:IPaddr2" or "stonith:fence_lvs_dr". */
  readonly agent: string;
  readonly meta?: Readonly<Record<string, string | number>>;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Seconds between two looks. */
  readonly monitor: number;
  /** What follows where it does not start or end; absent: that the director holds it no more, or is powered off and on. */
  readonly onFail?: "ignore";
}

/** Seconds after which a failure is forgotten: by default never, and a start that failed is not tried again. */
const FORGOTTEN = 60;

function primitive({ id, agent, meta, parameters, monitor, onFail }: Primitive): Element {
  const [standard = "", provider = "", type] = agent.split(":");
  const kind: Element["attributes"] =
    type === undefined ? { class: standard, type: provider } : { class: standard, provider, type };
  const failed: Element["attributes"] = onFail === undefined ? {} : { "on-fail": onFail };
  const op = (name: string, interval: number, more = failed): Element =>
    element("op", { id: `${id}-${name}`, name, interval: `${interval}s`, timeout: TIMEOUT, ...more });
  return element(
    "primitive",
    { id, ...kind },
    pairs("meta_attributes", `${id}-meta`, { ...meta, "failure-timeout": `${FORGOTTEN}s` }),
    pairs("instance_attributes", `${id}-parameters`, parameters),
    element("operations", {}, op("monitor", monitor, {}), op("start", 0), op("stop", 0)),
  );
}

const clone = (of: Primitive): Element => element("clone", { id: `${of.id}-clone` }, primitive(of));

/** The device and length are those of keepalived's VIPs. One of IPv6 is nobody's source, and is not looked for twice on the wire. */
function vipAddress(vip: string, index: number, director: LabNode): Primitive {
  const [ip = "", length = ""] = hostPrefix(vip).split("/");
  return {
    id: `vip-${index + 1}`,
    agent: "ocf:heartbeat:IPaddr2",
    // Of two directors that could both have the other one powered off, the one that has this is first.
    ...(index === 0 && { meta: { priority: 10 } }),
    parameters: {
      ip,
      cidr_netmask: length,
      nic: nicOn(director, "server").device,
      ...(familyOf(vip) === 6 && { nodad: "true", preferred_lft: "0" }),
    },
    monitor: MONITOR,
  };
}

function resources(lab: Lab): Element {
  const [first] = lab.directors;
  const { address, port } = fencePlace(lab);
  const { daemon } = controlPlane(lab);
  const fence: Primitive = {
    id: "fence",
    agent: "stonith:fence_lvs_dr",
    parameters: {
      ipaddr: address,
      ipport: port,
      key_file: FENCE_KEY,
      pcmk_host_list: lab.directors.map(({ name }) => name).join(" "),
      pcmk_host_check: "static-list",
      pcmk_host_map: lab.directors.map(({ name, domain }) => `${name}:${domain}`).join(";"),
    },
    monitor: 60,
  };
  const router: Primitive = {
    id: "router",
    agent: "ocf:pacemaker:ping",
    parameters: { host_list: lab.routers[0].address, name: ROUTER, dampen: "1s", attempts: 2, timeout: 1 },
    monitor: 10,
  };
  // Resource-agents' own agent, whose program here is one that asks for the lab's unit. Who checks real servers is no reason to power a director off.
  const ldirectord: Primitive = {
    id: "ldirectord",
    agent: "ocf:heartbeat:ldirectord",
    parameters: { configfile: daemon?.file ?? "", ldirectord: "/usr/local/lib/lvs-dr/ldirectord-unit" },
    monitor: MONITOR,
    onFail: "ignore",
  };
  const { failback } = pairOf(lab);
  return element(
    "resources",
    {},
    primitive(fence),
    clone(router),
    ...(lab.mode === "ldirectord" ? [clone(ldirectord)] : []),
    element(
      "group",
      { id: VIPS },
      pairs("meta_attributes", `${VIPS}-meta`, { "resource-stickiness": failback === "manual" ? STAY : 0 }),
      ...vipsOf(lab).map((vip, index) => primitive(vipAddress(vip, index, first))),
    ),
  );
}

/** A director that does not reach the router holds no VIP. */
function constraints(lab: Lab): Element {
  const { failback, priorities } = pairOf(lab);
  const id = `${VIPS}-${ROUTER}`;
  const reaches = element(
    "rsc_location",
    { id, rsc: VIPS },
    element(
      "rule",
      { id: `${id}-rule`, score: "-INFINITY", "boolean-op": "or" },
      element("expression", { id: `${id}-unknown`, attribute: ROUTER, operation: "not_defined" }),
      element("expression", {
        id: `${id}-lost`,
        attribute: ROUTER,
        operation: "lt",
        value: 1,
        type: "number",
      }),
    ),
  );
  const preferred = lab.directors.map(({ name }) => {
    const own = `${VIPS}-${name}`;
    return element(
      "rsc_location",
      { id: own, rsc: VIPS },
      element(
        "rule",
        { id: `${own}-rule`, score: priorities[name] ?? 0, "boolean-op": "and" },
        element("expression", { id: `${own}-name`, attribute: "#uname", operation: "eq", value: name }),
        element("expression", { id: `${own}-settled`, attribute: SETTLED, operation: "eq", value: 1 }),
      ),
    );
  });
  return element("constraints", {}, reaches, ...(failback === "automatic" ? preferred : []));
}

/** Sections of the CIB, each as it stands in all of it. */
export function renderCib(lab: Lab): { properties: string; resources: string; constraints: string } {
  const properties = pairs("cluster_property_set", "lvs-dr", {
    "stonith-enabled": "true",
    "priority-fencing-delay": `${FENCE_DELAY}s`,
    // Else a cluster that has just booted waits for 20 s before anybody decides.
    "dc-deadtime": "5s",
    // It is tried again for as long as it takes: until then nobody serves in the place of a director that is lost.
    "stonith-max-attempts": 1000,
  });
  const text = (section: Element, depth: number): string => render(section, depth).join("\n");
  return {
    properties: text(properties, 3),
    resources: text(resources(lab), 2),
    constraints: text(constraints(lab), 2),
  };
}
