/** The lab as a picture: two segments, every node with its addresses and live state, the request's and the reply's path. */
import type { Status } from "../health/status";
import { familyOf, withoutLength } from "../model/lab/address";
import { isOnServerSegment } from "../model/lab/lastHop";
import { html, type Markup, type Piece } from "./html";
import type { PageLab, PageNode } from "./pageLab";

export type NodeState = "ok" | "warn" | "bad";

export interface NodeView {
  readonly node: PageNode;
  readonly state: NodeState;
  /** A real server that gets requests. */
  readonly serves: boolean;
  /** In words; colour alone tells nothing in print. */
  readonly label: string;
}

/** How each node is, from the status. */
export function nodeViews(lab: PageLab, status: Status): NodeView[] {
  const holds = ({ name }: PageNode): boolean =>
    status.directors?.some((each) => each.name === name && each.holdsVip) === true;
  const directors = lab.directors.toSorted((a, b) => Number(holds(b)) - Number(holds(a)));
  const nodes = [lab.client, lab.router, ...directors, ...lab.realServers];
  return nodes.map((node) => {
    const server = status.services[0]?.realServers.find(({ name }) => name === node.name);
    // That a real server is down is its state's to say.
    const troubled = status.findings?.some(
      ({ subject, code }) => subject === node.name && code !== "server-down",
    );
    if (server === undefined) {
      const role = status.directors?.find(({ name }) => name === node.name)?.role;
      const label = [role, troubled ? "has problems" : role === undefined ? "ok" : ""]
        .filter(Boolean)
        .join(", ");
      return { node, state: troubled ? "warn" : "ok", serves: false, label };
    }
    const { state, weight, configuredWeight } = server;
    const label = `${state}, weight ${weight} of ${configuredWeight}`;
    const warn = troubled || state === "drained" || weight !== configuredWeight;
    return { node, state: state === "down" ? "bad" : warn ? "warn" : "ok", serves: state === "up", label };
  });
}

const BOX = { width: 172 };
/** By which the router's box, with more addresses, is wider on each side. */
const ROUTER_MARGIN = 56;
const GAP = 24;
const COLUMNS = 4;

interface Placed extends NodeView {
  readonly x: number;
  readonly y: number;
  /** Its addresses. */
  readonly text: readonly string[];
}

/** Of all VIPs the first of each family. */
function shownVips({ services }: PageLab): string[] {
  const vips = services.map(({ vip }) => vip);
  return ([4, 6] as const).flatMap((family) => vips.find((vip) => familyOf(vip) === family) ?? []);
}

/** @param standsBy of two directors the one that does not hold the VIP */
function lines({ node }: NodeView, lab: PageLab, standsBy: boolean): string[] {
  const { role, nics } = node;
  const own = nics.flatMap(({ addresses }) => addresses);
  const vips = shownVips(lab);
  const plain = own.map(withoutLength);
  if (role === "director")
    return [...plain.map((each) => `DIP ${each}`), ...(standsBy ? [] : vips.map((vip) => `VIP ${vip}`))];
  if (role === "realServer")
    return [...plain.map((each) => `RIP ${each}`), ...vips.map((vip) => `VIP ${vip} on lo`)];
  if (role === "client") return own;
  return ([4, 6] as const).flatMap((family) => {
    const [first = [], ...others] = nics.map(({ addresses }) =>
      addresses.filter((each) => familyOf(each) === family),
    );
    return [first, others.flat()].filter((each) => each.length > 0).map((each) => each.join("  "));
  });
}

/** Height of a line in a box, and of a box with so many. */
const LINE = 17;
const heightOf = (count: number): number => 50 + LINE * count;

function box({ x, y, node, state, label, text }: Placed, height: number): Markup {
  const width = node.role === "router" ? BOX.width + 2 * ROUTER_MARGIN : BOX.width;
  const left = node.role === "router" ? x - ROUTER_MARGIN : x;
  const middle = left + width / 2;
  return html`<g class="node ${state}" data-node="${node.name}" data-state="${state}">
    <rect x="${left}" y="${y}" width="${width}" height="${height}" rx="8" />
    <text class="name" x="${middle}" y="${y + 21}"
      >${node.name}${node.host === undefined ? "" : ` on ${node.host}`}</text
    >
    ${text.map((line, i) => html`<text x="${middle}" y="${y + 40 + LINE * i}">${line}</text>`)}
    <text class="state" x="${middle}" y="${y + height - 9}">${label}</text>
  </g>`;
}

/** A segment, and its name: written last, with a halo, because paths cross it. */
function bus(
  y: number,
  width: number,
  side: "start" | "end",
  label: string,
): { line: Markup; label: Markup } {
  const x = side === "start" ? 16 : width - 16;
  return {
    line: html`<line class="bus" x1="12" y1="${y}" x2="${width - 12}" y2="${y}" />`,
    label: html`<text class="bus ${side}" x="${x}" y="${y - 7}">${label}</text>`,
  };
}

function path(kind: "request" | "reply", points: readonly (readonly [number, number])[]): Markup {
  const d = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join(" ");
  return html`<path class="${kind}" d="${d}" marker-end="url(#arrow-${kind})" />`;
}

/** SVG of the lab; colours and fonts come from the page's style sheet. */
export function renderTopology(lab: PageLab, status: Status): Markup {
  // The standby of two directors stands among the real servers, and no path leads to it.
  const [client, router, director, ...servers] = nodeViews(lab, status).map((view, place) => ({
    ...view,
    text: lines(view, lab, view.node.role === "director" && place > 2),
  }));
  if (client === undefined || router === undefined || director === undefined)
    throw new Error("a lab has three nodes");
  const columns = Math.max(3, Math.min(COLUMNS, servers.length + 1));
  const width = columns * (BOX.width + GAP) + GAP;
  const column = (i: number): number => GAP + i * (BOX.width + GAP);
  const middle = (width - BOX.width) / 2;
  const high = heightOf(
    Math.max(2, ...[client, router, director, ...servers].map(({ text }) => text.length)),
  );
  const clientBus = 12 + high + 38;
  const serverBus = clientBus + 18 + high + 54;
  const level = { client: 12, clientBus, router: clientBus + 18, serverBus, servers: serverBus + 32 };
  // A client on the server segment stands beside the router, and needs no row of its own.
  const onSegment = isOnServerSegment(client.node);
  const top = onSegment ? level.clientBus - 24 : 0;
  const hopX = onSegment ? column(columns - 1) : middle;
  const placed: Placed[] = [
    { ...client, x: hopX, y: onSegment ? level.router : level.client },
    { ...router, x: onSegment ? column(0) + ROUTER_MARGIN : middle, y: level.router },
    { ...director, x: column(0), y: level.servers },
    ...servers.map((view, i) => ({
      ...view,
      x: column(1 + (i % (columns - 1))),
      y: level.servers + Math.floor(i / (columns - 1)) * (high + 52),
    })),
  ];
  const height = Math.max(...placed.map(({ y }) => y)) + high + 40;
  const centre = hopX + BOX.width / 2;
  const live = placed.filter(({ serves }) => serves);
  const directorX = column(0);
  const bottom = level.servers + high;
  const routed = (kind: "request" | "reply", points: readonly (readonly [number, number])[]): Piece[] =>
    onSegment ? [] : [path(kind, points)];
  const requests: Piece[] = [
    ...routed("request", [
      [centre - 30, level.client + high],
      [centre - 30, level.router - 2],
    ]),
    path("request", [
      [centre - 50, level.router + high],
      [centre - 50, level.serverBus - 16],
      [directorX + 60, level.serverBus - 16],
      [directorX + 60, level.servers - 2],
    ]),
    ...live.map(({ x, y }) =>
      path("request", [
        [directorX + 60, bottom],
        [directorX + 60, y + high + 20],
        [x + 60, y + high + 20],
        [x + 60, y + high + 2],
      ]),
    ),
  ];
  const replies: Piece[] = [
    ...live.map(({ x, y }) =>
      path("reply", [
        [x + 112, y],
        [x + 112, y - 16],
        [centre + 50, y - 16],
        [centre + 50, level.router + high + 2],
      ]),
    ),
    ...routed("reply", [
      [centre + 30, level.router],
      [centre + 30, level.client + high + 2],
    ]),
  ];
  const { networks, vipCidr } = lab;
  const buses = [
    bus(level.clientBus, width, "start", `client network ${networks.client.cidr}`),
    bus(
      level.serverBus,
      width,
      "end",
      `server segment ${[...new Set([networks.server.cidr, ...vipCidr.split(", ")])].join(", ")}`,
    ),
  ];
  const serving = live.map(({ node }) => node.name).join(", ");
  const arrow = (kind: string): Markup =>
    html`<marker
      id="arrow-${kind}"
      class="arrow ${kind}"
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerWidth="7"
      markerHeight="7"
      orient="auto"
      ><path d="M0 0L8 4L0 8z"
    /></marker>`;
  return html`<svg
    class="topology"
    viewBox="0 ${top} ${width} ${height - top}"
    role="img"
    aria-labelledby="topology-title topology-text"
  >
    <title id="topology-title">Topology of stack ${lab.stack}</title>
    <desc id="topology-text">
      Requests go from the client through ${onSegment ? "" : "the router and "}the director to
      ${serving || "no real server"}; replies go from there ${onSegment ? "" : "through the router "}to the
      client, past the director.
    </desc>
    <defs>${arrow("request")}${arrow("reply")}</defs>
    ${buses.map(({ line }) => line)}
    ${requests}${live.length > 0 ? replies : undefined}${buses.map(({ label }) => label)}
    ${placed.map((each) => box(each, high))}
  </svg>`;
}
