/** The first of two hosts is another one, goes away, and is lost for good. Run by name: `scripts/lab test hosts`. */
import { describe, expect, it } from "vitest";
import { Virsh } from "../../cli/stack/virsh";
import { LIBVIRT_URI } from "../../model/lab/hosts";
import {
  devices,
  domains,
  far,
  listed,
  named,
  onBothHosts,
  own,
  several,
  servers,
  STACK,
} from "./hosts/spread";
import { changes, configure, ENGINE, eventually, health, lab, outputs, run } from "./support";

describe.skipIf(!named)(`a stack whose first host is another one (${ENGINE})`, () => {
  const near = { name: "near" };
  const there = { host: "near" };
  /** Of this host's domains, by which one that was made anew is known. */
  const uuids = async () => {
    const all = await new Virsh(LIBVIRT_URI).uuids();
    return Object.fromEntries([...all].filter(([name]) => name.startsWith(`lvs-dr-${STACK}-`)));
  };
  const farFirst = (config: object = {}): void => {
    const { here, other } = listed();
    several({ hosts: [other, { ...near, ...here }], router: there, client: there, ...config });
  };
  let before: Record<string, string>;

  onBothHosts(farFirst);

  it("comes up healthy", { timeout: 1_800_000 }, async () => {
    const up = await lab(["up"], STACK);
    before = await uuids();
    expect(await domains()).toEqual({
      far: ["director1", "rs1", "rs3"],
      near: ["client", "director2", "router", "rs2"],
    });
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  });

  it("changes the rest while that one is away", { timeout: 600_000 }, async () => {
    await far.powerOff();
    farFirst(servers({ weight: 5 }));
    const up = await run(["up"], STACK);
    console.log(`up without the first host: ${up.seconds.toFixed(0)} s`);
    expect({ code: up.code, said: up.stderr.match(/^far.*/gm) }).toEqual({
      code: 3,
      said: [
        expect.stringContaining("far does not answer: "),
        "far: what it has stays as it is (director1, rs1, rs3); the next `up` that reaches it puts it right",
      ],
    });
    const { health } = await outputs(STACK);
    expect(health?.findings).toContainEqual(expect.objectContaining({ subject: "far", code: "host-silent" }));
    expect(health?.services[0]?.realServers).toMatchObject([{ weight: 0 }, { weight: 3 }, { weight: 0 }]);
    expect(await uuids()).toEqual(before);
  });

  it("lets it go, and keeps what the other one has", { timeout: 900_000 }, async () => {
    configure({ ...own(), hosts: [{ ...near, ...listed().here }] }, STACK);
    const up = await lab(["up", "--forget-host", "far"], STACK);
    console.log(`up that forgets the first host: ${up.seconds.toFixed(0)} s`);
    expect(changes(up)).toMatchObject({ replace: 0 });
    expect(await uuids()).toMatchObject(before);
    await eventually(60, async () => expect(await health(STACK)).toMatchObject({ problems: [] }));
    expect(await domains()).toEqual({
      near: ["client", "director1", "director2", "router", "rs1", "rs2", "rs3"],
    });
    expect(changes(await lab(["up"], STACK))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("leaves nothing", { timeout: 300_000 }, async () => {
    await lab(["down"], STACK);
    expect(devices()).toEqual([]);
    expect(await uuids()).toEqual({});
  });
});
