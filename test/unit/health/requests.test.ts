import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { askScript } from "../../../health/requests";

const url = "https://10.0.0.100/";

it("a certificate of the lab's own authority is judged by that alone, where the client has it; any other is good", () => {
  const file = /^readonly CA_FILE=(\S+)$/m.exec(readFileSync("scripts/guest/client.sh", "utf8"))?.[1];
  expect(askScript([{ url, ofLab: true }], 3)).toContain(` --cacert ${file} -o`);
  expect(askScript([{ url, ofLab: true }], 3)).not.toContain(" -k");
  expect(askScript([{ url }], 3)).toContain(" -k -o");
});
