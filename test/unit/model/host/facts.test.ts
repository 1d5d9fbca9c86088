import { expect, it } from "vitest";
import { readFacts } from "../../../../model/host/facts";

const NETWORKS = `@n
<network>
  <bridge name='br-n' stp='off'/>
  <ip address='10.0.0.1' netmask='255.128.0.0'>
    <dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp>
  </ip>
  <ip family='ipv6' address='fd00::1' prefix='64'/>
  <ip address='172.18.0.1' prefix='16'/>
</network>

@odd "name"
<network><name>odd</name></network>`;

const libvirtOf = (libvirt: object) => readFacts(JSON.stringify({ kvm: true, libvirt })).libvirt;

it("libvirt's own descriptions say what networks and pools there are", () => {
  const pools =
    "@p\n<pool type='dir'><target><path>/somewhere</path></target></pool>\n@q\n<pool type='rbd'/>";
  expect(libvirtOf({ error: null, networks: NETWORKS, pools, activePools: "p" })).toEqual({
    error: null,
    networks: [
      {
        name: "n",
        bridge: "br-n",
        addresses: [
          { address: "10.0.0.1", prefix: 9 },
          { address: "172.18.0.1", prefix: 16 },
        ],
      },
      { name: 'odd "name"', bridge: null, addresses: [] },
    ],
    pools: [
      { name: "p", active: true, path: "/somewhere" },
      { name: "q", active: false, path: null },
    ],
  });
});

it("nothing is not the same as no answer", () => {
  expect(libvirtOf({ networks: "", pools: null })).toEqual({ networks: [], pools: undefined });
  expect(readFacts("{}")).toEqual({});
});
