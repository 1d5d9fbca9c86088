import * as libvirt from "@pulumi/libvirt";
import { MAIN_CLUSTER } from "./model/lab/naming";
import { ordinalOf } from "./model/lab/hosts";
import { guestsOf } from "./model/lab/types";
import type { LvsClusterArgs } from "./packages/lvs-dr/args";
import { LvsCluster } from "./packages/lvs-dr/lvsCluster";
import { stackConfiguration } from "./program/clusterLab";
import { isAbsent } from "./program/absence";
import { preflight } from "./program/preflight";

export = async () => {
  // Values as Pulumi hands them over: the cluster judges them.
  const args = stackConfiguration() as LvsClusterArgs;
  const { lab } = await preflight(MAIN_CLUSTER, args);
  const hosted = guestsOf(lab).length > 0;
  const first = lab.hosts.filter((host) => hosted && ordinalOf(lab, host) === 0 && !isAbsent(host));
  const providers = first.map(({ libvirtUri }) => new libvirt.Provider("libvirt", { uri: libvirtUri }));
  const cluster = new LvsCluster(MAIN_CLUSTER, args, { providers });
  const { vip, url, nodes, imageDigest, privateKey, access, health } = cluster;
  const ofImage = hosted ? { imageDigest } : {};
  return { vip, url, nodes, ...ofImage, privateKey, access, health };
};
