import * as libvirt from "@pulumi/libvirt";
import { MAIN_CLUSTER } from "./model/lab/naming";
import { guestsOf } from "./model/lab/types";
import type { LvsClusterArgs } from "./packages/lvs-dr/args";
import { LvsCluster } from "./packages/lvs-dr/lvsCluster";
import { stackConfiguration } from "./program/clusterLab";
import { preflight } from "./program/preflight";

export = async () => {
  // Values as Pulumi hands them over: the cluster judges them.
  const args = stackConfiguration() as LvsClusterArgs;
  const { lab } = await preflight(MAIN_CLUSTER, args);
  const providers =
    guestsOf(lab).length > 0 ? [new libvirt.Provider("libvirt", { uri: lab.hosts[0].libvirtUri })] : [];
  const cluster = new LvsCluster(MAIN_CLUSTER, args, { providers });
  const { vip, url, nodes, imageDigest, privateKey, access, health } = cluster;
  const ofImage = providers.length > 0 ? { imageDigest } : {};
  return { vip, url, nodes, ...ofImage, privateKey, access, health };
};
