/** What the real servers run behind the services: the lab's own web server, or workloads of the user's. */
import { listenedPorts } from "./ports";
import type { Lab, Role, VirtualService } from "./types";

/** The built-in workload: nginx with the article's pages, at every TCP service's port that no other workload has. */
export const WEB = "web";

/** What a real server runs beside its web server. */
export interface Workload {
  readonly name: string;
  /** Its own, by TCP and by UDP, whether a service has them or not. */
  readonly ports: readonly number[];
  /** Debian packages that the image must have. */
  readonly packages: readonly string[];
  /** Text of the program `start | stop | status`; absent: something of the image's serves the ports. */
  readonly script?: string;
  /** Texts by file name, beside the script. */
  readonly files: Readonly<Record<string, string>>;
  /** Its script is told of a certificate of the lab's authority, and checks of its services trust that. */
  readonly tls?: boolean;
}

type Served = Pick<VirtualService, "protocol" | "workload" | "check">;

/** What clients speak with the built-in web server; undefined where it does not serve the service. */
export function webProtocol({ protocol, workload, check }: Served): "http" | "https" | undefined {
  if (protocol !== "tcp" || workload !== undefined) return undefined;
  return check.service === "https" ? "https" : "http";
}

/** Ports at which the built-in web server speaks TLS: those of an https service, and 443 of a group that is checked elsewhere. */
export function tlsPorts(service: VirtualService): number[] {
  const protocol = webProtocol(service);
  if (protocol === undefined) return [];
  return listenedPorts(service).filter(
    (port) => protocol === "https" || (port === 443 && service.port !== 443),
  );
}

/** Whether the real servers show a certificate of the lab's own authority at the service. */
export function hasLabCertificate(
  { web, workloads = [] }: Pick<Lab, "web" | "workloads">,
  service: Served,
): boolean {
  if (webProtocol(service) === "https") return web === undefined;
  return workloads.some(({ name, tls }) => tls === true && name === service.workload);
}

/** Whether the lab has an authority of its own. */
export function needsAuthority(lab: Pick<Lab, "web" | "workloads" | "services">): boolean {
  return (
    lab.workloads?.some(({ tls }) => tls === true) === true ||
    lab.services.some((service) => hasLabCertificate(lab, service)) ||
    (lab.web === undefined && lab.services.some((service) => tlsPorts(service).length > 0))
  );
}

/** Debian packages that workloads need, sorted. */
export function workloadPackages({ workloads = [] }: Pick<Lab, "workloads">): string[] {
  return [...new Set(workloads.flatMap(({ packages }) => packages))].sort();
}

/** Whether a role's payload holds what somebody may keep secret: the texts of files. */
export function hasFiles(
  { web, workloads = [], directorFiles }: Pick<Lab, "web" | "workloads" | "directorFiles">,
  role: Role,
): boolean {
  if (role === "director") return directorFiles !== undefined;
  if (role !== "realServer") return false;
  return web !== undefined || workloads.some(({ files }) => Object.keys(files).length > 0);
}
