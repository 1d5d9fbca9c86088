/** The lab's web servers answer what its health checks ask for. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { checkPages } from "../../../../model/guest/checkPages";
import { guestSettings } from "../../../../model/guest/settings";
import type { Lab } from "../../../../model/lab/types";

const labOf = (healthCheck: object, more: object = {}): Lab =>
  parseConfig({ healthCheck, ...more }, { project: "lvs-dr", stack: "unit" });
const pages = (lab: Lab, index = 0) => {
  const [node] = lab.realServers.slice(index);
  return node === undefined ? [] : checkPages(lab, node);
};

describe("a page for each check", () => {
  it.each<[string, object]>([
    ["the article's own", {}],
    ["what the page of the real server says", { request: "/", receive: "<h1>rs\\d</h1>" }],
    ["no check over HTTP", { checktype: "connect", request: "/x" }],
    ["an expression that only Perl takes", { request: "/x", receive: "(?<=te{1,3})st++" }],
    ["a path with characters of nginx's", { request: "/x;y", receive: "ok" }],
  ])("none: %s", (_what, check) => expect(pages(labOf(check))).toEqual([]));

  it.each([
    ["ok", "ok"],
    ["status: (?:fine|good) \\d+ [a-z]{2}", "status: fine 0 aa"],
    ["^a.b\\.c?$", "axb.c"],
    ["[^<]*x+|y", " x"],
    [".*", "x"],
  ])("%s", (receive, text) => {
    const [page] = pages(labOf({ request: "healthz?full=1", receive }));
    expect(page).toEqual({ path: "/healthz", text: `${text}\n` });
    expect(page?.text.trimEnd()).toMatch(new RegExp(receive));
  });

  it("that a real server has of its own, and the first where two services want one path", () => {
    const check = { service: "http", request: "a", receive: "second" };
    const lab = labOf(
      { request: "a", receive: "first" },
      {
        services: [
          { name: "other", port: 81, healthCheck: check },
          { name: "main", realServers: [{ name: "rs1" }, { name: "rs2", request: "b", receive: "own" }] },
        ],
      },
    );
    expect(pages(lab)).toEqual([{ path: "/a", text: "first\n" }]);
    expect(pages(lab, 1)).toEqual([
      { path: "/b", text: "own\n" },
      { path: "/a", text: "second\n" },
    ]);
  });

  it("goes to the real servers alone, which listen where they are checked", () => {
    const lab = labOf({ request: "a", receive: "b", checkport: 8081 });
    const [server] = lab.realServers;
    expect(server && guestSettings(lab, server)).toMatchObject({
      LVS_PORTS: "80 8081",
      LVS_CHECK_PAGES: "/a",
      LVS_CHECK_PAGE_0: "b\n",
    });
    expect(guestSettings(lab, lab.directors[0])).not.toHaveProperty("LVS_CHECK_PAGES");
  });
});
