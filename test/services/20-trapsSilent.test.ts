/** Whom ldirectord's checks of silent servers keep waiting, shown on the daemon itself. */
import { describe, expect, it } from "vitest";
import { detectionSeconds } from "../../model/director/detection";
import { labOf, type Entries, type Options } from "./support/fleet";
import { slowness } from "./support/table";
import { budget, fleetOf, globally, settled, web } from "./support/trap";

describe("trap T8: silent servers of one service", () => {
  const MIXED: Entries = { web: web({ count: 2 }), silent: web({ count: 4 }) };

  /** Seconds from a death in one service to its removal, while all servers of another have begun to say nothing. */
  async function removal(options?: Options): Promise<number> {
    const fleet = await fleetOf(MIXED, options);
    if (options !== undefined) fleet.daemon.start();
    await settled(fleet);
    for (const [name, member] of fleet.members)
      if (name.startsWith("silent")) member.process.signal("SIGSTOP");
    // Once the first is out, the checks of the others are on.
    await fleet.member("silent/1").out(2 * budget(fleet) + 12);
    await fleet.member("web/1").process.kill();
    return fleet.member("web/1").out(30);
  }

  it("do not delay the checks of another (fork)", async () => {
    expect(await removal()).toBeLessThan(
      (detectionSeconds({ check: labOf(MIXED).services[0].check }, 0) + 2) * slowness(),
    );
  });

  it("do without fork: three more of them come first", async () => {
    expect(await removal({ change: globally({ fork: false }), daemon: "later" })).toBeGreaterThan(3 * 3);
  });

  it("do for one round after a reload: all services are checked one after the other first (open)", async () => {
    const fleet = await fleetOf({ silent: web({ count: 4 }), web: web({ count: 2 }) });
    await settled(fleet);
    const silent = [1, 2, 3, 4].map((index) => fleet.member(`silent/${index}`));
    for (const member of silent) member.process.signal("SIGSTOP");
    for (const member of silent) await member.out(30);
    expect(fleet.daemon.reload()).toBe(true);
    await fleet.member("web/1").process.kill();
    expect(await fleet.member("web/1").out(30)).toBeGreaterThan(3 * 3);
  });
});
