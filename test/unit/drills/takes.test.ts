/** Which drills a lab of machines cannot have, and why. */
import { expect, it } from "vitest";
import { DRILLS } from "../../../drills/catalogue";
import { lackingFor } from "../../../drills/session";
import { parseConfig } from "../../../model/config/config";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const identity = { project: "lvs-dr", stack: "takes" };
const guests = parseConfig({}, identity);
const machines = parseConfig(
  { client: false, router: false, director: { ssh: { hostKey } }, realServers: [{ ssh: { hostKey } }, {}] },
  identity,
);

it("a lab of guests lacks nothing", () => {
  expect(DRILLS.map((drill) => lackingFor(drill, guests)).filter((why) => why !== undefined)).toEqual([]);
});

it("whatever takes power, network, router or client is named where there is none to take", () => {
  const why = Object.fromEntries(DRILLS.map((drill) => [drill.name, lackingFor(drill, machines)]));
  expect(why["real-server-power-off"]).toBe(
    "it is for guests: nobody takes the power or network from director, which is a machine that exists",
  );
  expect(why["path-mtu"]).toBe("it takes a router of the lab's, and router is false");
  expect(why["client-vanishes"]).toBe("it takes a client of the lab's, and client is false");
  for (const name of ["web-server-stops", "ldirectord-killed", "drain", "op-weights"])
    expect(why[name]).toBeUndefined();
});

it("a machine is not cut off from whoever would have to connect it again", () => {
  expect(DRILLS.filter(({ name }) => name === "director-partition")).toMatchObject([{ takes: ["guests"] }]);
});

it("no drill that cuts power goes without saying so", () => {
  for (const { name, act, takes } of DRILLS) {
    const text = act.toString();
    if (/\bpower\.off\b/.test(text)) expect({ name, takes }).toEqual({ name, takes: ["guests"] });
  }
});
