import { afterEach, expect, it, vi } from "vitest";
import { GuestShell } from "../../../lib/ssh";
import { parseConfig } from "../../../model/config/config";
import { findMachines } from "../../../program/machines";

const ssh = { host: "10.0.0.20", user: "admin", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
const lab = parseConfig({ realServers: [{}, { ssh }] }, { project: "lvs-dr", stack: "dev" });

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([
  [
    255,
    "noise\nHost key verification failed.",
    "cannot be asked by SSH (255): Host key verification failed. Fix:",
  ],
  [
    1,
    "sudo: a password is required",
    "admin is not root, and sudo does not let it in without a password: sudo: a password is required. Fix:",
  ],
  [null, "", "does not answer within 60 s. Fix:"],
])(
  "a machine that cannot be asked (%s) is refused in the words of what stands against it",
  async (...asked) => {
    const [code, stderr, message] = asked;
    vi.spyOn(GuestShell.prototype, "run").mockResolvedValue({ code, stdout: "", stderr });
    await expect(findMachines(lab)).rejects.toThrow(`rs2.ssh = "10.0.0.20": ${message}`);
  },
);
