/** What a lab needs beside what is imported. */
import { checkService, negotiates } from "../director/checkServices";
import { checkPage } from "../guest/checkPages";
import { serviceTitle } from "../lab/target";
import type { Lab } from "../lab/types";

/** To serve what the service's check asks for. */
export function needOf(service: Lab["services"][number]): string[] {
  const { protocol, check, realServers } = service;
  const title = serviceTitle(service);
  if (protocol === "udp") return [`${title} has nothing that answers clients: give it a workload`];
  const asked = negotiates(check.checktype) && checkService(check.service).asks !== undefined;
  const unmatched = asked && realServers.find(({ name }) => checkPage(service, name) === undefined);
  if (!unmatched) return [];
  const anything = {
    ...service,
    check: { ...check, receive: undefined },
    realServers: [{ ...unmatched, receive: undefined }],
  };
  return [
    checkPage(anything, unmatched.name) === undefined
      ? `${title}: the lab's servers have no page of the name that its check asks for: give it a workload, or another request`
      : `${title}: no page of the lab's matches what its check expects: give it a workload, or another receive`,
  ];
}
