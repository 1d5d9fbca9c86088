/** Schema of ldirectord's own options: alerts, files and programs, and the daemon's. */
import { z } from "zod";
import { absolutePath, choice, directive, flag, integer, optional, says } from "./schemaParts";

const alerts = {
  emailalert: optional(
    z.array(z.email({ error: says("is not an e-mail address", "write user@example.com") })).min(1),
    "Addresses that are told when a real server comes or goes.",
  ),
  emailalertfreq: optional(integer(0, 2147483647, "seconds"), "Seconds between repeated alerts; 0 = once."),
  emailalertstatus: optional(
    z
      .array(choice(["all", "none", "starting", "running", "stopping", "reloading"], "state of the daemon"))
      .min(1),
    "States of the daemon in which alerts are sent.",
  ),
  smtp: optional(
    directive(253).regex(/^[0-9A-Za-z._+-]+$/, {
      error: says("is not a host name", "write a host name or an IPv4 address"),
    }),
    "Mail server for alerts. Without one the director needs /usr/sbin/sendmail, which the project's own image has not.",
  ),
  fallbackcommand: optional(
    absolutePath(),
    "Program on the director, with arguments if you like, run with start or stop when the sorry server comes or goes; ended after checktimeout seconds.",
  ),
};

/** Options that one virtual service has in ldirectord.cf beyond scheduling and checking. */
export const virtualExtras = z.strictObject({
  ...alerts,
  cleanstop: optional(
    flag(),
    "Whether stopping the daemon removes this service. With true a restart refuses its clients.",
    "ldirectord.cleanstop",
  ),
  monitorfile: optional(
    absolutePath(),
    "File on the director to which each check is logged, in a directory that is there. On a full disk nothing is logged, and checks go on.",
  ),
  servicename: optional(directive(128), "Name of the service in alerts."),
  comment: optional(directive(), "Note about the service in alerts."),
});

/** ldirectord's global options. Defaults differ from upstream's where upstream's lose traffic or freeze the checks. */
export const ldirectordSettings = z.strictObject({
  autoreload: flag()
    .default(false)
    .describe(
      "Reload on every change of the file. A bad file then freezes the checks, so the lab sends HUP itself.",
    ),
  supervised: flag()
    .default(true)
    .describe("Stay in the foreground, under systemd's supervision. Only true: its unit knows no other way."),
  fork: flag()
    .default(true)
    .describe(
      "One process for each virtual service, so that one service's hung checks do not delay another's.",
    ),
  cleanstop: flag()
    .default(false)
    .describe(
      "Whether stopping the daemon empties the table. With true each of its stops, restarts and upgrades refuses all clients, until every server is checked again.",
    ),
  readdquiescent: flag()
    .default(true)
    .describe(
      "With true a dead real server stays as it is at a start or reload: with quiescent at weight 0, else out. With false each start and reload first gives every dead real server its weight back, and clients with it.",
    ),
  logfile: directive()
    .regex(/^(\/.*|[a-z0-9]+)$/, {
      error: says(
        "is neither an absolute path nor a syslog facility",
        "write /var/log/ldirectord.log or local0",
      ),
    })
    .default("/var/log/ldirectord.log")
    .describe(
      "Log file, or the name of a syslog facility; ldirectord reads it and, supervised, does not use it: its log is in the director's journal (journalctl -u lvs-dr-ldirectord).",
    ),
  callback: optional(
    absolutePath(),
    "Program on the director that is run when the file has changed; ended after 5 seconds.",
  ),
  execute: optional(
    z.never({
      error: says(
        "starts a second daemon, whose services are not the lab's: `up` would take them out of the table",
        "write those services under services",
      ),
    }),
    "Always refused: other configurations, for which ldirectord would start daemons.",
  ),
  maintenancedir: optional(
    absolutePath(),
    "Directory on the director whose files force real servers out at their next check: ADDRESS or ADDRESS:PORT.",
  ),
  emailalertfrom: optional(
    directive(254).regex(/^([^<>@\s]+@[^<>@\s]+|[^<>]*<[^<>@\s]+@[^<>@\s]+>)$/, {
      error: says("is not a sender", "write user@example.com or NAME <user@example.com>"),
    }),
    "Sender of alerts.",
    "root at the director's name",
  ),
  ...alerts,
});
