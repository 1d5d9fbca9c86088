/** What is refused of the director's own files, word for word. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { expectRefusals } from "./refusals";

const external = (name: string, more = {}) => ({
  checktype: "external",
  checkcommand: `/etc/lvs-dr/files/${name}`,
  ...more,
});
const files = (...paths: string[]) => ({ director: { files: paths } });

expectRefusals("the director's files", [
  {
    name: "files of one name, one that cannot be read, paths that are none",
    raw: files("data", "x/f", "y/f", "a b", "../f/.."),
    files: { data: { fault: "is not a text" } },
    lines: [
      'director.files[3] = "a b": is not a path that the lab can use. Fix: use letters, digits and _ @ % + = : , . / - without spaces.',
      'director.files[4] = "../f/..": is not a path that the lab can use. Fix: use letters, digits and _ @ % + = : , . / - without spaces.',
      'director.files[2] = "y/f": has the same name as files[1], and all of them lie in one directory. Fix: rename one of the two files.',
      'director.files[0] = "data": is not a text. Fix: name a text file by its path from the project\'s directory.',
    ],
  },
  {
    name: "programs that no file brings, the nearest named",
    raw: {
      ...files("bin/check.sh", "alarm"),
      healthCheck: external("chek.sh"),
      services: [
        { name: "far", port: 81, healthCheck: external("database") },
        { name: "odd", port: 82, healthCheck: { ...external(""), checkcommand: "/etc/lvs-dr//files/alarm" } },
        { name: "all", port: 83, healthCheck: { ...external(""), checkcommand: "/etc/lvs-dr/files" } },
        { name: "own", port: 84, ldirectord: { fallbackcommand: "/etc/lvs-dr/files/alarms on" } },
      ],
      ldirectord: { callback: "/etc/lvs-dr/files/bin/alarm", fallbackcommand: "/etc/lvs-dr/files/none" },
    },
    lines: [
      'healthCheck.checkcommand = "/etc/lvs-dr/files/chek.sh": is not brought by director.files. Fix: write /etc/lvs-dr/files/check.sh.',
      'services[0].healthCheck.checkcommand = "/etc/lvs-dr/files/database": is not brought by director.files. Fix: list a file of that name in director.files.',
      'services[1].healthCheck.checkcommand = "/etc/lvs-dr//files/alarm": is not brought by director.files. Fix: write /etc/lvs-dr/files/alarm.',
      'services[2].healthCheck.checkcommand = "/etc/lvs-dr/files": is not brought by director.files. Fix: list a file of that name in director.files.',
      'ldirectord.callback = "/etc/lvs-dr/files/bin/alarm": is not brought by director.files. Fix: write /etc/lvs-dr/files/alarm.',
      'ldirectord.fallbackcommand = "/etc/lvs-dr/files/none": is not brought by director.files. Fix: list a file of that name in director.files.',
      'services[3].ldirectord.fallbackcommand = "/etc/lvs-dr/files/alarms on": is not brought by director.files. Fix: write /etc/lvs-dr/files/alarm.',
    ],
  },
  {
    name: "one that is not there either, once",
    raw: { ...files("che ck"), healthCheck: external("check") },
    lines: [
      'director.files[0] = "che ck": is not a path that the lab can use. Fix: use letters, digits and _ @ % + = : , . / - without spaces.',
    ],
  },
  {
    name: "programs that nothing could run",
    raw: {
      ...files("check", "alarm", "hosts", "code.pl"),
      healthCheck: external("check"),
      services: [
        { name: "perl", port: 81, healthCheck: external("code.pl", { checktype: "external-perl" }) },
      ],
      ldirectord: { fallbackcommand: "/etc/lvs-dr/files/alarm on" },
    },
    files: Object.fromEntries(["check", "alarm", "hosts", "code.pl"].map((name) => [name, { text: "exit" }])),
    lines: [
      'director.files[0] = "check": does not begin with #!, by which the kernel knows what runs it. Fix: begin it with a line such as #!/bin/bash.',
      'director.files[1] = "alarm": does not begin with #!, by which the kernel knows what runs it. Fix: begin it with a line such as #!/bin/bash.',
    ],
  },
  {
    name: "what keepalived does not run, once, and a check of its own",
    raw: {
      director: { mode: "keepalived" },
      healthCheck: external("check"),
      ldirectord: { fallbackcommand: "/etc/lvs-dr/files/alarm" },
    },
    lines: [
      'ldirectord.fallbackcommand = "/etc/lvs-dr/files/alarm": is an option of ldirectord, which does not run. Fix: leave it out, or set director.mode to ldirectord.',
      'healthCheck.checkcommand = "/etc/lvs-dr/files/check": is not brought by director.files. Fix: list a file of that name in director.files.',
    ],
  },
]);

it("takes each of the programs that it brings, and others that a director has", () => {
  const lab = parseConfig(
    {
      ...files("bin/check", "alarm", "hosts"),
      healthCheck: external("check"),
      services: [{ port: 81, healthCheck: { ...external(""), checkcommand: "/usr/local/bin/check" } }],
      ldirectord: { callback: "/etc/lvs-dr/files/alarm", fallbackcommand: "/etc/lvs-dr/files/alarm on" },
    },
    { project: "lvs-dr", stack: "dev" },
    (path) => ({ text: `#!${path}` }),
  );
  expect(lab.directorFiles).toEqual({ check: "#!bin/check", alarm: "#!alarm", hosts: "#!hosts" });
});
