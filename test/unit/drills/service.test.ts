/** A drill of a service that is named. */
import { expect, it } from "vitest";
import { withFirst } from "../../../drills/environment";
import { parseConfig } from "../../../model/config/config";

const LAB = parseConfig(
  {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
    vip6Cidr: "fd00:10::/64",
  },
  { project: "lvs-dr", stack: "dev" },
);

it("puts it in the place of the main one, and names those there are", () => {
  expect(withFirst(LAB, "main-v6").services.map(({ name }) => name)).toEqual(["main-v6", "main"]);
  expect(withFirst(LAB)).toBe(LAB);
  expect(() => withFirst(LAB, "mail")).toThrow("there is no service 'mail'; there are main, main-v6");
});
