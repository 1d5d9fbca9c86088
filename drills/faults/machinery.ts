/** Faults of what configures the guests: a script that hangs, a guest that shows another host key. */
import { spawnSync } from "node:child_process";
import type { GuestShell } from "../../lib/ssh";
import { byTheRunItself, needsNothing, on, START, startOn, theTarget } from "../actions";
import type { DrillRun } from "../drillRun";
import type { Drill } from "../drill";
import { NOTHING_LOST } from "../ejection";

/** Seconds given to the script here; `up` gives 300 in the same way, by timeout(1) around the payload. */
const SCRIPT_LIMIT = 15;
/** Found before the real one, since the payload's PATH begins with /usr/local/sbin. */
const HANGING = "/usr/local/sbin/ss";

const scriptHangs: Drill = {
  name: "script-hangs",
  description:
    "A step of a guest's script hangs: it ends at its time limit and names the step; traffic goes on",
  maxSeconds: 60,
  unfit: needsNothing,
  async act(run) {
    const node = run.target.name;
    await run.ask(node, `printf '#!/bin/sh\\nexec sleep 100000\\n' >${HANGING}; chmod 755 ${HANGING}`);
    const began = run.event(`${node}'s script runs, and its ss hangs`);
    const limiter = run.sabotaged ? "" : `timeout -k 10 ${SCRIPT_LIMIT} `;
    const { code, stdout, stderr } = await run.shell.run(node, `${limiter}${START}`, {
      timeout: SCRIPT_LIMIT + 20 * run.scale,
    });
    const took = run.now - began;
    const said = `${stdout}\n${stderr}`.trim();
    run.event(
      `it ended with ${code ?? "nothing, until the connection was cut"}: ${said || "without a word"}`,
    );
    run.figure("endsAfterSeconds", code === null ? null : took, {
      max: SCRIPT_LIMIT + run.promises.scriptOverrunSeconds,
    });
    run.expect(code !== null && code !== 0, `a script that hangs ended with ${code ?? "nothing"}`);
    run.expect(said.includes("ss -Hltn"), "what it said does not name the step that hung (ss -Hltn)");
    return NOTHING_LOST;
  },
  restore: async (run) => {
    // By its own command line: nothing else sleeps that long.
    await on(theTarget, `rm -f ${HANGING}; pkill -f -x 'sleep 100000' || true`)(run);
    await startOn(theTarget)(run);
  },
  sabotage: {
    what: "no time limit is put around the script",
    expects: ["endsAfterSeconds"],
    ...byTheRunItself,
  },
};

const OTHER_PORT = 2222;
const OTHER_KEY = "/run/lvs-dr-drill-key";
const STOP_SSHD =
  "[[ ! -e /run/lvs-dr-drill-sshd.pid ]] || { kill $(cat /run/lvs-dr-drill-sshd.pid); rm -f /run/lvs-dr-drill-sshd.pid; }; sleep 0.5";

/** ssh's exit status and words for a connection to the sshd on another port, with the usual options. */
function connect(run: DrillRun, shell: GuestShell, node: string): { code: number | null; said: string } {
  const options = shell.sshArguments(node, { interactive: true });
  const destination = options.pop() ?? "";
  // The first value of an option is the one that counts.
  const trusting = run.sabotaged
    ? ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    : [];
  const own = ["-o", "BatchMode=yes", "-p", String(OTHER_PORT), destination, "--", "true"];
  const { status, stderr } = spawnSync("ssh", [...trusting, ...options, ...own], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, said: stderr.trim() };
}

const changedHostKey: Drill = {
  name: "changed-host-key",
  takes: ["guests"],
  description: "A guest shows another host key than the pinned one: the connection is refused",
  maxSeconds: 60,
  unfit: needsNothing,
  withoutLoad: true,
  async act(run) {
    const node = run.target.name;
    // sshd goes to the background before it listens.
    const start = (options = ""): string =>
      `/usr/sbin/sshd -o PidFile=/run/lvs-dr-drill-sshd.pid -p ${OTHER_PORT} ${options}; ` +
      `for ((SECONDS = 0; SECONDS < 20;)); do [[ $(ss -Hltn) =~ :${OTHER_PORT}\\  ]] && break; sleep 0.1; done`;
    // A second sshd, so that the way in stays open.
    await run.act(`${node}: an sshd with its own key`, node, `mkdir -p /run/sshd; ${start()}`);
    const own = connect(run, run.shell, node);
    run.expect(own.code === 0, `with the pinned key the connection ends with ${own.code}: ${own.said}`);
    await run.act(
      `${node}: an sshd with another key`,
      node,
      `${STOP_SSHD}; rm -f ${OTHER_KEY}*; ssh-keygen -q -t ed25519 -N '' -f ${OTHER_KEY}; ` +
        start(`-o HostKey=${OTHER_KEY}`),
    );
    const other = connect(run, run.shell, node);
    run.event(`the connection ends with ${other.code}: ${other.said.split("\n").at(-1) ?? ""}`);
    run.figure("acceptedWithOtherKey", other.code === 0 ? 1 : 0, { max: 0 });
    run.expect(
      run.sabotaged || /host key|identification/i.test(other.said),
      `ssh does not say that it is about the host key: ${other.said}`,
    );
  },
  restore: on(theTarget, `${STOP_SSHD}; rm -f ${OTHER_KEY}*`),
  sabotage: {
    what: "host keys are not checked",
    expects: ["acceptedWithOtherKey"],
    ...byTheRunItself,
  },
};

export const machineryDrills: readonly Drill[] = [scriptHangs, changedHostKey];
