import { LvsCluster, Scheduler } from "lvsdr";

const web = new LvsCluster("web", {
  clientNetwork: { cidr: "172.19.13.0/24" },
  serverNetwork: { cidr: "192.168.213.0/24" },
  vipCidr: "10.213.0.0/24",
  vip: "10.213.0.100",
  scheduler: Scheduler.Wrr,
  realServers: [
    { name: "rs1", address: "192.168.213.10", weight: 1 },
    { name: "rs2", address: "192.168.213.20", weight: 2 },
  ],
});

export const { vip, url, nodes } = web;
export const status = web.health.status;
export const problems = web.health.problems;
