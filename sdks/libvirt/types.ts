/** Arguments of the resources in index.ts: a subset of the generated SDK's, under the same names. */
import type { Input } from "@pulumi/pulumi";

/** `dir` pools only. */
export interface PoolArgs {
  name: Input<string>;
  type: Input<string>;
  target?: Input<{ path: Input<string>; permissions?: Input<PermissionsArgs> }>;
  create?: Input<{ build?: Input<boolean>; start?: Input<boolean>; autostart?: Input<boolean> }>;
  destroy?: Input<{ delete?: Input<boolean> }>;
}

export interface PermissionsArgs {
  /** Octal, e.g. `0700`. */
  mode?: Input<string>;
  owner?: Input<string>;
  group?: Input<string>;
}

export interface NetworkArgs {
  name: Input<string>;
  autostart?: Input<boolean>;
  bridge?: Input<{ name?: Input<string>; stp?: Input<"on" | "off">; delay?: Input<string> }>;
  dns?: Input<{ enable?: Input<"yes" | "no"> }>;
  ips?: Input<Input<{ address: Input<string>; prefix?: Input<number> }>[]>;
  mtu?: Input<{ size: Input<number> }>;
}

export interface VolumeArgs {
  name: Input<string>;
  pool: Input<string>;
  /** Bytes; not with `create`, which takes the size of what it uploads. */
  capacity?: Input<number>;
  target?: Input<{ format?: Input<{ type: Input<string> }>; permissions?: Input<PermissionsArgs> }>;
  backingStore?: Input<{ path: Input<string>; format?: Input<{ type: Input<string> }> }>;
  /** A local path or URL whose content is uploaded once, when the volume is created. */
  create?: Input<{ content: Input<{ url: Input<string> }> }>;
}

export interface DiskArgs {
  device?: Input<string>;
  driver?: Input<{
    name?: Input<string>;
    type?: Input<string>;
    cache?: Input<string>;
    discard?: Input<string>;
  }>;
  readOnly?: Input<boolean>;
  source: Input<{
    volume?: Input<{ pool: Input<string>; volume: Input<string> }>;
    file?: Input<{ file: Input<string> }>;
  }>;
  target: Input<{ dev: Input<string>; bus?: Input<string> }>;
}

export interface InterfaceArgs {
  mac?: Input<{ address: Input<string> }>;
  model?: Input<{ type: Input<string> }>;
  mtu?: Input<{ size: Input<number> }>;
  rom?: Input<{ bar?: Input<"on" | "off">; enabled?: Input<"yes" | "no"> }>;
  source: Input<{
    network?: Input<{ network: Input<string> }>;
    bridge?: Input<{ bridge: Input<string> }>;
  }>;
}

/** A serial port whose output goes into a file of the libvirt host. */
export interface SerialArgs {
  source: Input<{ file: Input<{ path: Input<string>; append?: Input<"on" | "off"> }> }>;
}

export interface DomainArgs {
  name: Input<string>;
  title?: Input<string>;
  description?: Input<string>;
  /** `kvm` or `qemu`. */
  type: Input<string>;
  memory: Input<number>;
  memoryUnit?: Input<string>;
  vcpu: Input<number>;
  cpu?: Input<{ mode?: Input<string>; model?: Input<string> }>;
  features?: Input<{
    acpi?: Input<boolean>;
    tcg?: Input<{ tbCache: Input<number>; tbCacheUnit?: Input<string> }>;
  }>;
  os: Input<{
    type: Input<string>;
    typeArch?: Input<string>;
    typeMachine?: Input<string>;
    bootDevices?: Input<Input<{ dev: Input<string> }>[]>;
    kernel?: Input<string>;
    initrd?: Input<string>;
    cmdline?: Input<string>;
  }>;
  devices?: Input<{
    disks?: Input<Input<DiskArgs>[]>;
    interfaces?: Input<Input<InterfaceArgs>[]>;
    rngs?: Input<
      Input<{ model: Input<string>; backend?: Input<{ random?: Input<string>; builtIn?: Input<boolean> }> }>[]
    >;
    serials?: Input<Input<SerialArgs>[]>;
    memBalloon?: Input<{ model: Input<string> }>;
  }>;
  running?: Input<boolean>;
  autostart?: Input<boolean>;
}
