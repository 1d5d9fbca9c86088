import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { readLab } from "../../../../model/lab/recorded";

const lab = parseConfig({}, { project: "lvs-dr", stack: "unit" });

it("a lab is read as whichever version has recorded it", () => {
  const { clients, ...oneClient } = lab;
  const { routers, directors, segments, ...oneOfEach } = oneClient;
  expect(readLab(lab)).toEqual(lab);
  const { hosts, ...oneHost } = lab;
  const [{ libvirtUri }] = hosts;
  expect(readLab({ ...oneHost, libvirtUri })).toEqual(lab);
  const remoteHost = { host: "far", user: "root", port: 22 };
  expect(readLab({ ...oneHost, libvirtUri, remoteHost }).hosts).toEqual([
    { ...hosts[0], remote: remoteHost },
  ]);
  expect(readLab({ ...oneClient, client: clients[0] })).toEqual(lab);
  expect(
    readLab({
      ...oneOfEach,
      client: clients[0],
      router: routers[0],
      director: directors[0],
      networks: segments,
    }),
  ).toEqual(lab);
});
