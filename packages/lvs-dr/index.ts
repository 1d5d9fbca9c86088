export * from "./args";
export * from "./outputs";
export { LvsCluster } from "./lvsCluster";
