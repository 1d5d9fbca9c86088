/** What else public files are like, condensed, in words and at addresses of our own: how many lines are taken over, and how many left or changed. */
import { describe, expect, it } from "vitest";
import type { Imported } from "../../../../model/import/stack";
import { counts, importCf, importKeepalived, missing } from "./support";

type Counts = [taken: number, left: number];
/** What else the page says of them. */
const facts = ({ lab, mapped }: Imported) => ({
  mode: lab.mode,
  pair: lab.directors.length > 1,
  weights: lab.services
    .map(({ realServers }) => realServers.map(({ weight }) => weight).join(" "))
    .join(", "),
  moved: mapped.length,
});

describe.skipIf(missing)(`ldirectord.cf${missing ? ` (skipped: no ${missing})` : ""}`, () => {
  const CASES: Readonly<Record<string, [text: string, counts: Counts, facts: object, marks?: number[]]>> = {
    "maintenancedir, and masq": [
      `checktimeout=10
maintenancedir=/etc/ha.d/down
quiescent=yes
virtual=192.168.6.240:80
    real=192.168.6.2:80 masq
    real=192.168.6.3:80 masq
    protocol=tcp
`,
      [4, 3],
      {},
    ],
    "ipvsadm's own word before the weight": [
      `virtual=192.168.6.240:80
\treal=192.168.6.2:80 gate -w 1
\treal=192.168.6.3:80 gate -w 2
\tservice=http
`,
      [4, 0],
      { weights: "1 2" },
    ],
    "weights above 100": [
      `virtual=192.168.6.240:80
    real=192.168.6.2:80 gate 100
    real=192.168.6.3:80 gate 300
    scheduler=wlc
`,
      [4, 0],
      { weights: "100 300" },
    ],
    "comments behind values, which ldirectord refuses behind yes and no": [
      `checktimeout=3 # seconds
autoreload=no # yes or no
quiescent=yes # likewise
virtual=192.168.6.240:80 # the site
    real=192.168.6.2:80 gate 5 # the old one
    quiescent=no # here
    scheduler=rr # in turn
    persistent=600 # ten minutes
`,
      [5, 3],
      { weights: "5" },
    ],
    "servers without a port, and a range of them": [
      `virtual=192.168.6.240:80
    real=192.168.6.2 gate
    real=192.168.6.4->192.168.6.5 gate 2
    fallback=127.0.0.1:80
    load="never read"
`,
      [4, 1],
      { weights: "1 2 2" },
    ],
    "a mark with an expected answer": [
      `autoreload=yes
virtual=5
    real=192.168.6.2 gate
    service=https
    checkport=443
    request="alive"
    receive="ok"
    persistent=300
`,
      [7, 1],
      {},
      [5],
    ],
    "mail without a mail server, and a second service with persistence": [
      `emailalert="ops@example.com"
emailalertfreq=3600
logfile="/var/log/ldirectord.log"
virtual=192.168.6.240:443
    real=192.168.6.2:443 gate
    service=https
    request="health"
    receive="ok"
virtual=192.168.6.240:80
    real=192.168.6.2:80 gate
    persistent=300
    netmask=255.255.255.255
`,
      [11, 1],
      { weights: "1, 1" },
    ],
    "sections of another program's, SSH's port, servers without a network in common": [
      `# A comment
[global]
checktimeout=5
virtual=203.0.113.10:80
        real=10.1.0.5:80 ipip 10
        real=172.16.0.5:80 ipip 10
        checktype=connect
        # A comment
        scheduler=wlc
[ssh]
virtual=203.0.113.10:22
        real=10.1.0.5:22 ipip
        checktype=connect
`,
      [4, 7],
      { moved: 1, weights: "10 10" },
    ],
  };
  it.each(Object.entries(CASES))("%s", async (_what, [text, expected, beside, marks]) => {
    const imported = await importCf(text, marks);
    expect(counts(imported)).toEqual(expected);
    expect(facts(imported)).toMatchObject({ mode: "ldirectord", pair: false, moved: 0, ...beside });
  });

  it("without indentation has no servers: ldirectord takes none there", () =>
    expect(
      importCf("checktimeout=3\nvirtual=192.168.6.240:80\nreal=192.168.6.2:80 gate\nscheduler=rr\n"),
    ).rejects.toMatchObject({ left: [1, 2, 3, 4].map((line) => expect.objectContaining({ line })) }));
});

describe("keepalived.conf", () => {
  const tcp = (port = 80): string => `  TCP_CHECK {
   connect_timeout 8
   nb_get_retry 3
   delay_before_retry 3
   connect_port ${port}
  }
`;
  const server = (address: string, check: string): string =>
    ` real_server ${address} {\n  weight 1\n${check} }\n`;
  const service = (target: string, options: string, servers: string): string =>
    `virtual_server ${target} {\n delay_loop 6\n lb_algo wrr\n${options} protocol TCP\n${servers}}\n`;
  /** As most files have it. */
  const instance = (vip: string): string => `vrrp_instance VI_1 {
 state MASTER
 interface eth0
 virtual_router_id 51
 priority 100
 advert_int 1
 authentication {
  auth_type PASS
  auth_pass 1111
 }
 virtual_ipaddress {
  ${vip}
 }
}
`;
  const MAIL = `global_defs {
 notification_email {
  ops@example.com
 }
 notification_email_from lvs@example.com
 smtp_server 127.0.0.1
 smtp_connect_timeout 30
 router_id LVS_DEVEL
}
`;
  const page = (path: string): string => `  SSL_GET {
   url {
    path ${path}
    digest 0123456789abcdef
    status_code 200
   }
   connect_timeout 3
  }
`;
  const two = (check: string, port = 80): string =>
    server(`192.168.7.10 ${port}`, check) + server(`192.168.7.11 ${port}`, check);
  const one = service("192.168.7.100 80", " lb_kind DR\n", two(tcp()));

  const CASES: Readonly<Record<string, [text: string, counts: Counts, facts: object]>> = {
    "one director by NAT to another port, with persistence and a mask": [
      service(
        "192.168.7.100 80",
        " lb_kind NAT\n nat_mask 255.255.255.0\n persistence_timeout 50\n",
        two(tcp(8080), 8080),
      ),
      [14, 7],
      {},
    ],
    "a pair with mail, a password and tries of its own": [
      MAIL + instance("192.168.7.100") + one,
      [21, 16],
      { pair: true },
    ],
    "a service a port, at one VIP": [
      instance("192.168.7.100/24 dev eth0 label eth0:1") +
        [80, 443, 8080]
          .map((port) => service(`192.168.7.100 ${port}`, " lb_kind DR\n", two(tcp(port), port)))
          .join(""),
      [50, 18],
      { pair: true, weights: "1 1, 1 1, 1 1" },
    ],
    "a template, whose sorry server is elsewhere": [
      `! A comment\n${service("10.10.10.2 1358", " lb_kind NAT\n persistence_timeout 50\n sorry_server 172.16.0.200 1358\n", two(page("/a"), 1358))}`,
      [16, 7],
      { moved: 1 },
    ],
    "servers that stay in the table, and a sorry server": [
      service(
        "192.168.7.100 80",
        " lb_kind DR\n sorry_server 127.0.0.1 80\n inhibit_on_failure\n",
        two(tcp()),
      ),
      [16, 5],
      { mode: "ldirectord" },
    ],
    "two files in one, of which the second has the same service": [
      instance("192.168.7.100") + one + instance("192.168.7.100").replace("MASTER", "BACKUP") + one,
      [20, 40],
      { pair: true, weights: "1 1" },
    ],
    "pages by TLS with a digest and a status": [
      service("192.168.7.100 443", " lb_kind DR\n ha_suspend\n", two(page("/"), 443)),
      [17, 5],
      {},
    ],
  };
  it.each(Object.entries(CASES))("%s", (_what, [text, expected, beside]) => {
    const imported = importKeepalived(text);
    expect(facts(imported)).toMatchObject({ mode: "keepalived", pair: false, moved: 0, ...beside });
    expect(counts(imported)).toEqual(expected);
  });
});
