import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const run = (name: string, create: string, opts?: pulumi.CustomResourceOptions): command.local.Command =>
  new command.local.Command(name, { create, logging: "none" }, opts);

const bad = run("bad", "echo it broke; exit 7");
run("takes-its-output", "true", { dependsOn: bad });
const skipped = new command.local.Command("takes-its-value", { create: bad.stdout });
run("independent", "true");
export const outcome = bad.stdout;
// Of what was never made there is no value to call this with.
export const ofSkipped = skipped.stdout.apply((text) => text.length);
export const fine = 1;
