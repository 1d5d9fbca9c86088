/** The lab as a picture: two segments, every node with its addresses and live state, the request's and the reply's path. */
import type { Status } from "../health/status";
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

const BOX = { width: 172, height: 84 };
const GAP = 24;
const COLUMNS = 4;

interface Placed extends NodeView {
  readonly x: number;
  readonly y: number;
}

/** @param standsBy of two directors the one that does not hold the VIP */
function lines(view: NodeView, lab: PageLab, standsBy: boolean): string[] {
  const { node } = view;
  const addresses = node.nics.flatMap((nic) => nic.addresses);
  const vip = lab.services[0].vip;
  if (node.role === "director") return [`DIP ${node.address}`, standsBy ? "" : `VIP ${vip}`];
  if (node.role === "realServer") return [`RIP ${node.address}`, `VIP ${vip} on lo`];
  if (node.role === "client") return [addresses[0] ?? ""];
  return [addresses[0] ?? "", addresses.slice(1).join("  ")];
}

function box(placed: Placed, lab: PageLab, standsBy: boolean): Markup {
  const { x, y, node, state, label } = placed;
  const width = node.role === "router" ? BOX.width + 112 : BOX.width;
  const left = node.role === "router" ? x - 56 : x;
  const [first, second] = lines(placed, lab, standsBy);
  return html`<g class="node ${state}" data-node="${node.name}" data-state="${state}">
    <rect x="${left}" y="${y}" width="${width}" height="${BOX.height}" rx="8" />
    <text class="name" x="${left + width / 2}" y="${y + 21}"
      >${node.name}${node.host === undefined ? "" : ` on ${node.host}`}</text
    >
    <text x="${left + width / 2}" y="${y + 40}">${first ?? ""}</text>
    ${second ? html`<text x="${left + width / 2}" y="${y + 57}">${second}</text>` : undefined}
    <text class="state" x="${left + width / 2}" y="${y + 75}">${label}</text>
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
  const [client, router, director, ...servers] = nodeViews(lab, status);
  if (client === undefined || router === undefined || director === undefined)
    throw new Error("a lab has three nodes");
  const columns = Math.max(3, Math.min(COLUMNS, servers.length + 1));
  const width = columns * (BOX.width + GAP) + GAP;
  const column = (i: number): number => GAP + i * (BOX.width + GAP);
  const middle = (width - BOX.width) / 2;
  const level = { client: 12, clientBus: 134, router: 152, serverBus: 290, servers: 322 };
  const placed: Placed[] = [
    { ...client, x: middle, y: level.client },
    { ...router, x: middle, y: level.router },
    { ...director, x: column(0), y: level.servers },
    ...servers.map((view, i) => ({
      ...view,
      x: column(1 + (i % (columns - 1))),
      y: level.servers + Math.floor(i / (columns - 1)) * (BOX.height + 52),
    })),
  ];
  const height = Math.max(...placed.map(({ y }) => y)) + BOX.height + 40;
  const centre = width / 2;
  const live = placed.filter(({ serves }) => serves);
  const directorX = column(0);
  const bottom = level.servers + BOX.height;
  const requests: Piece[] = [
    path("request", [
      [centre - 30, level.client + BOX.height],
      [centre - 30, level.router - 2],
    ]),
    path("request", [
      [centre - 50, level.router + BOX.height],
      [centre - 50, level.serverBus - 16],
      [directorX + 60, level.serverBus - 16],
      [directorX + 60, level.servers - 2],
    ]),
    ...live.map(({ x, y }) =>
      path("request", [
        [directorX + 60, bottom],
        [directorX + 60, y + BOX.height + 20],
        [x + 60, y + BOX.height + 20],
        [x + 60, y + BOX.height + 2],
      ]),
    ),
  ];
  const replies: Piece[] = [
    ...live.map(({ x, y }) =>
      path("reply", [
        [x + 112, y],
        [x + 112, y - 16],
        [centre + 50, y - 16],
        [centre + 50, level.router + BOX.height + 2],
      ]),
    ),
    path("reply", [
      [centre + 30, level.router],
      [centre + 30, level.client + BOX.height + 2],
    ]),
  ];
  const { networks, vipCidr } = lab;
  const buses = [
    bus(level.clientBus, width, "start", `client network ${networks.client.cidr}`),
    bus(level.serverBus, width, "end", `server segment ${networks.server.cidr}, ${vipCidr}`),
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
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-labelledby="topology-title topology-text"
  >
    <title id="topology-title">Topology of stack ${lab.stack}</title>
    <desc id="topology-text">
      Requests go from the client through the router and the director to ${serving || "no real server"};
      replies go from there through the router to the client, past the director.
    </desc>
    <defs>${arrow("request")}${arrow("reply")}</defs>
    ${buses.map(({ line }) => line)}
    ${requests}${live.length > 0 ? replies : undefined}${buses.map(({ label }) => label)}
    ${placed.map((each) => box(each, lab, each.node.role === "director" && each.node !== director.node))}
  </svg>`;
}
