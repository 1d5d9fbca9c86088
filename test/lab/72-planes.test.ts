/** ldirectord and keepalived as control planes: the table goes from one to the other. */
import { afterAll, expect, it } from "vitest";
import { perl, Stream } from "../../drills/stream";
import { readTable } from "../../drills/tableHistory";
import { serverKey } from "../../model/director/ipvs/table";
import { serviceKey } from "../../model/lab/target";
import { underLoad } from "./load";
import { applied, backToDefaults, configure, eventually, guest, inGuests, lab } from "./support";

afterAll(backToDefaults);

/** Does `work`, and tells which weights a real server had in the director's table meanwhile; -1 where it was not in it. */
async function weightsOf(name: string, work: () => Promise<unknown>): Promise<Set<number>> {
  return inGuests(async (shell, { directors: [director], services: [main] }) => {
    const server = main.realServers.find((each) => each.name === name);
    if (server === undefined) throw new Error(`${name} is not a real server of the main service`);
    const seen = new Set<number>();
    const table = new Stream(shell, director.name, perl("table", 0.05, 900), (line) =>
      seen.add(readTable(line.slice(line.indexOf(" ") + 1), serviceKey(main))?.get(serverKey(server)) ?? -1),
    );
    await work();
    await table.end();
    return seen;
  });
}

it("the table goes to keepalived and back while a real server is dead: nothing is lost, and it gets nothing", async () => {
  configure();
  await lab(["up"]);
  // Its web server would be started by `up`: only the checks are refused.
  const { directors } = await applied();
  await guest(
    "rs1",
    `nft 'table inet lvsdr_test { chain input { type filter hook input priority -10; ip saddr ${directors[0].address} tcp dport 80 reject with tcp reset; }; }'`,
  );
  await eventually(60, async () =>
    expect(await guest("director", "ipvsadm -Sn")).not.toContain(":80 -g -w 1"),
  );
  const weights = await weightsOf("rs1", () =>
    underLoad("to keepalived and back beside a dead real server", async () => {
      for (const director of [{ mode: "keepalived" }, {}]) {
        configure({ director });
        await lab(["up"]);
      }
    }),
  );
  expect([...weights].filter((weight) => weight > 0)).toEqual([]);
  await guest("rs1", "nft delete table inet lvsdr_test");
  await eventually(60, async () => expect(await guest("director", "ipvsadm -Sn")).toContain(":80 -g -w 1"));
});
