/** What must hold between the keys of a configuration, in the order in which people would correct it. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { checkAddresses } from "./invariantsAddresses";
import { checkDirectors } from "./invariantsDirectors";
import { checkHealth } from "./invariantsHealth";
import { checkPacemaker } from "./invariantsPacemaker";
import { checkKeepalived } from "./invariantsKeepalived";
import { checkNetworks } from "./invariantsNetworks";
import { checkMachines } from "./invariantsMachines";
import { checkNames, checkPlatform } from "./invariantsPlatform";
import { checkServices } from "./invariantsServices";
import { checkWorkloads } from "./invariantsWorkloads";
import type { Config } from "./schema";

export function checkInvariants(findings: Findings, config: Config, draft: Draft): void {
  checkPlatform(findings, config, draft);
  checkNetworks(findings, config, draft);
  checkAddresses(findings, config, draft);
  checkNames(findings, config, draft);
  checkDirectors(findings, config, draft);
  checkPacemaker(findings, config, draft);
  checkMachines(findings, config, draft);
  checkServices(findings, config, draft);
  checkWorkloads(findings, config, draft);
  checkHealth(findings, config, draft);
  checkKeepalived(findings, config, draft);
}
