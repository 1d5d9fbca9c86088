import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { AppliedLab } from "./components/appliedLab";
import { Client } from "./components/client";
import { Director } from "./components/director";
import { GuestImage } from "./components/guestImage";
import type { Host, RoleClass } from "./components/guestRole";
import { probeAccelerator, proxyOf } from "./components/hostProbe";
import { labConfig } from "./components/labConfig";
import { Network } from "./components/network";
import { loginKey } from "./components/loginKey";
import { loginTo, observeHealth } from "./components/observation";
import { assertPreconditions } from "./components/preconditions";
import { RealServer } from "./components/realServer";
import { Router } from "./components/router";
import { Pool } from "./components/pool";
import { VirtualMachine } from "./components/virtualMachine";
import { endpoint } from "./model/lab/address";
import { guestId, labNodes, type LabNode } from "./model/lab/types";

export = async () => {
  const lab = labConfig();
  const reachable = await assertPreconditions(lab);
  const accelerator = await probeAccelerator(lab);

  const opts = { providers: { libvirt: new libvirt.Provider("libvirt", { uri: lab.libvirtUri }) } };
  const { poolName: pool } = new Pool("pool", { lab }, opts);
  const networks = {
    client: new Network("client-network", { network: lab.segments.client }, opts),
    server: new Network("server-network", { network: lab.segments.server }, opts),
  };
  const image = new GuestImage("image", { lab, pool }, opts);
  const { privateKey, authorizedKey } = loginKey(lab);

  const proxy = proxyOf(lab);
  const hosts: Host[] = [];
  const configured: pulumi.CustomResource[] = [];

  /** Builds one guest and gives it its role. Under TCG guests that boot at once slow each other down: they take turns. */
  function guest(node: LabNode, Role: RoleClass, roleOpts?: pulumi.ComponentResourceOptions): void {
    const id = guestId(node);
    const bootAfter = accelerator === "qemu" ? configured.at(-lab.bootParallel) : undefined;
    const args = { lab, node, pool, networks, boot: image.source, authorizedKey, accelerator, bootAfter };
    const machine = new VirtualMachine(id, args, opts);
    const host: Host = {
      name: node.name,
      address: node.address,
      user: "root",
      privateKey,
      hostKey: machine.hostKey,
      bootTimeout: lab.bootTimeout,
      after: machine.booted,
      generation: machine.generation,
      ...(proxy && { proxy }),
    };
    hosts.push(host);
    configured.push(new Role(id, { host, lab, node }, roleOpts).configured);
  }

  for (const node of lab.routers) guest(node, Router);
  guest(lab.client, Client);
  for (const node of lab.realServers) guest(node, RealServer);
  // Last: what it puts into the table answers by then.
  const last = { dependsOn: [...configured] };
  for (const node of lab.directors) guest(node, Director, last);

  new AppliedLab("lab", { lab, configured });
  const access = loginTo(lab, hosts, privateKey);
  const [service] = lab.services;
  return {
    vip: service.vip,
    url: `http://${endpoint(service.vip, service.port)}/`,
    nodes: Object.fromEntries(labNodes(lab).map(({ name, role, address }) => [name, { role, address }])),
    imageDigest: image.contentDigest(),
    privateKey,
    access,
    health: reachable ? observeHealth(lab, access, hosts, configured) : pulumi.unknown,
  };
};
