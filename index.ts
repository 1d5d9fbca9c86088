import { readFileSync } from "node:fs";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { LvsCluster } from "./components/lvsCluster";
import { labNodes, serviceUrl } from "./model/lab/types";
import { probeAccelerator } from "./program/hostProbe";
import { labConfig } from "./program/labConfig";
import { loginTo, observeHealth } from "./program/observation";
import { directorOrder } from "./program/directorOrder";
import { assertPreconditions } from "./program/preconditions";

export = async () => {
  const lab = labConfig();
  const reachable = await assertPreconditions(lab);
  const accelerator = await probeAccelerator(lab);
  const keyFile = lab.remoteHost?.keyFile;

  const provider = new libvirt.Provider("libvirt", { uri: lab.libvirtUri });
  const cluster = new LvsCluster(
    "cluster",
    {
      lab,
      accelerator,
      directorOrder: await directorOrder(lab),
      hostPrivateKey: keyFile === undefined ? undefined : pulumi.secret(readFileSync(keyFile, "utf8")),
    },
    { providers: { libvirt: provider } },
  );

  const access = loginTo(lab, cluster.hosts, cluster.privateKey);
  const [service] = lab.services;
  return {
    vip: service.vip,
    url: serviceUrl(service),
    nodes: Object.fromEntries(labNodes(lab).map(({ name, role, address }) => [name, { role, address }])),
    imageDigest: cluster.imageDigest,
    privateKey: cluster.privateKey,
    access,
    health: reachable ? observeHealth(lab, access, cluster.hosts, [...cluster.configured]) : pulumi.unknown,
  };
};
