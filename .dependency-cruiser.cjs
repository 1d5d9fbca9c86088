// The arrows between the rooms: who may import whom. `scripts/lab test static` checks them.
// A pair in `except` is a violation of today: the list may only shrink.

/** Files below `from` import nothing that `to` matches, but for the pairs [importer, imported] in `except`. */
const never = (name, comment, from, to, except = []) => [
  {
    name,
    comment,
    severity: "error",
    from: { path: from, pathNot: except.map(([importer]) => importer) },
    to: { path: to },
  },
  ...except.map(([importer, imported]) => ({
    name: `${name} (${importer})`,
    comment,
    severity: "error",
    from: { path: importer },
    to: { path: to, pathNot: imported },
  })),
];

const ROOMS = "cli|components|drills|engine|failover|health|lib|model|packages|program|report|verify";

/** A room that imports itself, lib/, model/ and those named, and no other. */
const upon = (room, comment, ...rooms) =>
  never(
    `${room}-upon`,
    comment,
    `^${room}/`,
    `^(?!(${[room, "lib", "model", ...rooms].join("|")})/)(${ROOMS})/`,
  );

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    never("lib-stands-alone", "lib/ knows nothing of LVS", "^lib/", `^(?!lib/)(${ROOMS})/`),
    never("engine-on-lib", "the engine imports lib/ only", "^engine/", `^(?!engine/|lib/)(${ROOMS})/`),
    never(
      "engine-is-a-backend",
      "the engine is imported by its backend only",
      "^(?!engine/|test/|cli/backends/embedded/)",
      "^engine/",
    ),
    never(
      "model-is-pure-rooms",
      "model/ imports no other room but lib/",
      "^model/",
      `^(?!model/|lib/)(${ROOMS})/`,
    ),
    never(
      "model-is-pure",
      "model/ has no files, no processes, no Pulumi",
      "^model/",
      "^(node:)?(fs|child_process|http)(/|$)|(^|/)@pulumi/",
    ),
    never(
      "commands-on-top",
      "a stack and its engines are known to commands, and know none",
      "^cli/(stack|backends)/",
      "^cli/commands/",
    ),
    upon("components", "components/ holds ComponentResources only"),
    upon(
      "program",
      "program/ reads the configuration, and asks the host and the cluster",
      "components",
      "health",
    ),
    upon("packages", "packages/ put what the others make into what Pulumi knows", "components", "program"),
    upon("health", "health/ asks guests, and knows neither components nor who reads what it says"),
    upon("failover", "failover/ moves the VIP between directors, for people and drills", "health"),
    upon("verify", "verify/ asks guests, and knows no components", "health"),
    upon("drills", "drills/ break a lab that is up, whoever built it", "health", "failover"),
    upon("report", "report/ draws what the others found", "health", "verify", "drills"),
  ].flat(),
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
