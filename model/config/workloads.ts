/** From configured workloads to the lab's, with the texts of the files that they name. */
import { WEB, type Workload } from "../lab/workloads";
import { listenedPorts } from "../lab/ports";
import type { Lab, VirtualService } from "../lab/types";
import type { Config } from "./schema";
import { textOf, textsOf, type ReadText } from "./textFiles";

/** The workloads beside the built-in one, which needs no entry; nothing where there are none. */
export function resolveWorkloads(
  config: Config,
  services: readonly VirtualService[],
  read: ReadText,
): Pick<Lab, "web" | "workloads"> {
  const web = config.workloads.find(({ name }) => name === WEB);
  const workloads = config.workloads
    .filter(({ name }) => name !== undefined && name !== WEB)
    .map(({ name = "", ports, packages, script, files, tls }): Workload => {
      const own = services.filter(({ workload }) => workload === name);
      return {
        name,
        ports: ports ?? [...new Set(own.flatMap(listenedPorts))],
        packages,
        ...(script !== undefined && { script: textOf(read, script) }),
        files: textsOf(read, files),
        ...(tls && { tls }),
      };
    });
  return {
    ...(workloads.length > 0 && { workloads }),
    ...(web?.certificate !== undefined &&
      web.key !== undefined && {
        web: { certificate: textOf(read, web.certificate), key: textOf(read, web.key) },
      }),
  };
}
