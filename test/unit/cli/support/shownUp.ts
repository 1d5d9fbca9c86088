/** A command line in the middle of `pulumi up`, for signals to meet. */
import { PulumiCli } from "../../../../cli/pulumiCli";

new PulumiCli("dev", process.env).shown(["up"]).catch((error: Error) => {
  process.stderr.write(error.message);
  process.exitCode = 1;
});
