/** ldirectord and keepalived as control planes: the table goes from one to the other. */
import { afterAll, expect, it } from "vitest";
import { perl, Stream } from "../../drills/stream";
import { underLoad } from "./load";
import { applied, backToDefaults, configure, eventually, guest, inGuests, lab } from "./support";

afterAll(backToDefaults);

/** Does `work`, and tells which weights a real server had in the director's table meanwhile; -1 where it was not in it. */
async function weightsOf(server: string, work: () => Promise<unknown>): Promise<Set<number>> {
  return inGuests(async (shell, { directors: [director], realServers }) => {
    const address = realServers.find(({ name }) => name === server)?.address ?? "";
    const hex = address
      .split(".")
      .map((byte) => Number(byte).toString(16).padStart(2, "0"))
      .join("")
      .toUpperCase();
    const seen = new Set<number>();
    const table = new Stream(shell, director.name, perl("table", 0.05, 900), (line) =>
      seen.add(Number(new RegExp(`-> ${hex}:\\S+ \\S+ (\\d+)`).exec(line)?.[1] ?? -1)),
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
