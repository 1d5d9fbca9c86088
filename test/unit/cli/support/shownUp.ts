/** A command line in the middle of `pulumi up`, for signals to meet. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PulumiCli } from "../../../../cli/backends/pulumi/cli";

const shown = new PulumiCli("dev", process.env).shown(["up"]);
// Pulumi may be under way before the watcher has been told of it.
writeFileSync(join(process.env.DIRECTORY ?? "", "watched"), "");
shown.catch((error: Error) => {
  process.stderr.write(error.message);
  process.exitCode = 1;
});
