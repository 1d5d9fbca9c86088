/** A lab of both families, whose main service is a group of ports by firewall mark: in the kernel two services of one mark, `-f 80` and `-f 80 -6`. */
import { serviceCounters, tableEntries, type Status } from "../../../health/status";
import { parseConfig } from "../../../model/config/config";
import { assess } from "../model/assessed";
import { STATUS } from "./fixtures";

export const MARKED = parseConfig(
  {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
    vip6Cidr: "fd00:10::/64",
    services: [
      { name: "main", ports: [80, 443], persistent: 600 },
      { name: "more", port: 8080 },
    ],
  },
  { project: "lvs-dr", stack: "dev" },
);

const SAVE = [
  "-A -f 80 -s wrr -p 600",
  "-a -f 80 -r 192.168.7.10:0 -g -w 1",
  "-a -f 80 -r 192.168.7.20:0 -g -w 3",
  "-A -f 80 -6 -s wrr -p 600",
  "-a -f 80 -6 -r [fd00:7::10]:0 -g -w 1",
  "-a -f 80 -6 -r [fd00:7::20]:0 -g -w 3",
  "-A -t 10.0.0.100:8080 -s wrr",
  "-a -t 10.0.0.100:8080 -r 192.168.7.10:8080 -g -w 1",
  "-A -t [fd00:10::100]:8080 -s wrr",
  "-a -t [fd00:10::100]:8080 -r [fd00:7::10]:8080 -g -w 1",
];
const LIST = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
FWM  80 wrr persistent 600
  -> 192.168.7.10:0               Route   1      11         0
  -> 192.168.7.20:0               Route   3      12         0
FWM  80 IPv6 wrr persistent 600
  -> [fd00:7::10]:0               Route   1      21         0
  -> [fd00:7::20]:0               Route   3      22         0
TCP  10.0.0.100:8080 wrr
  -> 192.168.7.10:8080            Route   1      31         0
TCP  [fd00:10::100]:8080 wrr
  -> [fd00:7::10]:8080            Route   1      41         0
`;
const STATS = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
FWM  80                                300      600        0    60000        0
  -> 192.168.7.10:0                    100      200        0    20000        0
  -> 192.168.7.20:0                    200      400        0    40000        0
FWM  80 IPv6                           700      900        0    90000        0
  -> [fd00:7::10]:0                    301      402        0    40004        0
  -> [fd00:7::20]:0                    399      498        0    49996        0
`;

export const MARKED_STATUS: Status = {
  ...STATUS,
  ...assess({ lab: MARKED, table: SAVE, director: { ipvsList: LIST } }),
  table: tableEntries(LIST),
  counters: { total: null, services: serviceCounters(MARKED, STATS) },
};
