/** Which addresses may not go from guest to guest in one `up`, word for word. */
import { describe, expect, it } from "vitest";
import { formatRefusal, parseConfig } from "../../../../model/config/config";
import { handovers } from "../../../../model/config/handover";

type Raw = Record<string, unknown>;
const lab = (raw: Raw) => parseConfig(raw, { project: "lvs-dr", stack: "dev" });
const lines = (before: Raw, after: Raw): string[] =>
  handovers(lab(before), lab(after)).map(({ problem }) => formatRefusal(problem));
const named = (...names: string[]): Raw => ({ realServers: names.map((name) => ({ name })) });

describe("an address that another guest has is refused", () => {
  it("to those that move up in a list without numbers", () => {
    expect(lines(named("a", "b", "c"), named("b", "c"))).toEqual([
      'realServers[0].address = "192.168.7.10": is the address of a, from which b cannot take it over in one `up`: guests are deleted last. Fix: write 192.168.7.20, which b has, or a free one, and change it once an `up` has taken 192.168.7.10 from a.',
      'realServers[1].address = "192.168.7.20": is the address of b, from which c cannot take it over in one `up`: guests are deleted last. Fix: write 192.168.7.31, which c has, or a free one, and change it once an `up` has taken 192.168.7.20 from b.',
    ]);
  });

  it("to a new guest, which a renamed real server is too", () => {
    expect(lines(named("a", "b"), named("a", "web"))).toEqual([
      'realServers[1].address = "192.168.7.20": is the address of b, from which web cannot take it over in one `up`: guests are deleted last. Fix: choose a free one, or add web once an `up` has taken 192.168.7.20 from b.',
    ]);
  });

  it("to the other of two that change places, and by role", () => {
    const swapped = { director: { address: "192.168.7.200" }, router: { serverAddress: "192.168.7.30" } };
    expect(lines({}, { ...swapped, router: { ...swapped.router, name: "gate" } })).toEqual([
      'router.serverAddress = "192.168.7.30": is the address of director, from which gate cannot take it over in one `up`: guests are deleted last. Fix: write 192.168.7.200, which gate has, or a free one, and change it once an `up` has taken 192.168.7.30 from director.',
      'director.address = "192.168.7.200": is the address of router, from which director cannot take it over in one `up`: guests are deleted last. Fix: write 192.168.7.30, which director has, or a free one, and change it once an `up` has taken 192.168.7.200 from router.',
    ]);
    const client = { router: { clientAddress: "172.18.7.201" }, client: { address: "172.18.7.200" } };
    expect(lines({}, client)).toHaveLength(1);
  });
});

describe("nothing is refused", () => {
  it.each<[string, Raw, Raw]>([
    ["of the same lab", {}, {}],
    ["of one renamed but for real servers", {}, { director: { name: "lvs1" }, client: { name: "pc" } }],
    ["of real servers in another order", named("rs1", "rs2", "rs3"), named("rs3", "rs1")],
    ["of free addresses", {}, { director: { address: "192.168.7.31" } }],
    ["of the router's own on another network", {}, { router: { vipAddress: "10.0.0.201" } }],
    ["of a new guest", {}, { realServerCount: 5 }],
    ["of another network", {}, { serverNetwork: { cidr: "192.168.8.0/24" } }],
  ])("%s", (_what, before, after) => {
    expect(lines(before, after)).toEqual([]);
  });
});
