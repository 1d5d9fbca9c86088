import * as libvirt from "@pulumi/libvirt";
import { MAIN_CLUSTER } from "./model/lab/naming";
import type { LvsClusterArgs } from "./packages/lvs-dr/args";
import { LvsCluster } from "./packages/lvs-dr/lvsCluster";
import { stackConfiguration } from "./program/clusterLab";
import { preflight } from "./program/preflight";

export = async () => {
  // Values as Pulumi hands them over: the cluster judges them.
  const args = stackConfiguration() as LvsClusterArgs;
  const { lab } = await preflight(MAIN_CLUSTER, args);
  const provider = new libvirt.Provider("libvirt", { uri: lab.libvirtUri });
  const cluster = new LvsCluster(MAIN_CLUSTER, args, { providers: { libvirt: provider } });
  const { vip, url, nodes, imageDigest, privateKey, access, health } = cluster;
  return { vip, url, nodes, imageDigest, privateKey, access, health };
};
