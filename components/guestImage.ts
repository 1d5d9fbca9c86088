import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { builtDigest, qcow2VirtualSize } from "../lib/diskImage";
import { fileDigest } from "../lib/fileDigest";
import { scriptPath } from "../lib/scripts";
import { sha256 } from "../lib/text";

const GIB = 2 ** 30;
/** Virtual size of an overlay on the project's own image; more than the image's, whose file system stays as it is. */
const OWN_DISK_BYTES = 4 * GIB;

/** Where a guest boots from; paths on the libvirt host. */
export interface BootSource {
  readonly disk: pulumi.Input<string>;
  /** Virtual size of the overlays, bytes. */
  readonly capacity: number;
  /** For names, and cheap: a disk whose image changed gets another name, and so another volume. */
  readonly digest: string;
  /** Direct kernel boot; absent: the disk's own boot loader and cloud-init. */
  readonly kernel?: {
    readonly vmlinuz: pulumi.Input<string>;
    readonly initrd: pulumi.Input<string>;
    /** What every guest's command line begins with. */
    readonly cmdline: string;
  };
}

export interface GuestImageArgs {
  /** The user's own image (qcow2); absent: the one that this project builds. Plain: it is read before any resource. */
  readonly image?: { readonly path: string; readonly sha256?: string };
  /** Debian packages that the project's image has beside the recipe's. */
  readonly packages?: readonly string[];
  /** Where libvirt is on another host: the pool that receives the image, and what its volumes' names begin with. */
  readonly upload?: { readonly pool: pulumi.Input<string>; readonly prefix: pulumi.Input<string> };
}

/**
 * Tells one content of a user's image from the next, without reading gigabytes at every preview: by size and time of
 * modification. An overlay must not outlive what it lies on.
 */
function fileStamp(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return sha256(`${size} ${mtimeMs}`);
}

const ownDirectories = new Map<string, string>();

/** Where the project's own image is: named by the recipe's hash, so that it is known before the image is built. */
function ownImage(packages: readonly string[]): string {
  const key = packages.join(" ");
  const command = ["-c", '. "$0" && image_directory "$@"', scriptPath("image/lib.sh"), ...packages];
  const directory = ownDirectories.get(key) ?? execFileSync("bash", command, { encoding: "utf8" }).trim();
  ownDirectories.set(key, directory);
  return directory;
}

/** The files of the image on this machine. */
function localSource({ image, packages = [] }: GuestImageArgs): BootSource & { readonly disk: string } {
  if (image !== undefined) {
    const disk = resolve(image.path);
    const capacity = qcow2VirtualSize(disk);
    return { disk, capacity, digest: image.sha256 ?? fileStamp(disk) };
  }
  const directory = ownImage(packages);
  return {
    disk: `${directory}/disk.qcow2`,
    capacity: OWN_DISK_BYTES,
    digest: basename(directory),
    kernel: {
      vmlinuz: `${directory}/vmlinuz`,
      initrd: `${directory}/initrd.img`,
      cmdline: readFileSync(scriptPath("image/recipe/cmdline"), "utf8").trim(),
    },
  };
}

/** The image all guests start from: used in place, or uploaded into the stack's pool when libvirt is elsewhere. */
export class GuestImage extends pulumi.ComponentResource {
  public readonly source: BootSource;
  private readonly image: GuestImageArgs["image"];
  private readonly localDisk: string;

  constructor(name: string, args: GuestImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:GuestImage", name, {}, opts);
    const { image, upload: target } = args;
    const local = localSource(args);
    this.image = image;
    this.localDisk = local.disk;
    const short = local.digest.slice(0, 12);
    if (target === undefined) {
      this.source = { ...local, digest: short };
    } else {
      const upload = (part: string, file: pulumi.Input<string>, format: string): pulumi.Output<string> =>
        new libvirt.Volume(
          `${name}-${part}`,
          {
            name: pulumi.interpolate`${target.prefix}-${part}-${short}`,
            pool: target.pool,
            target: { format: { type: format } },
            create: { content: { url: file } },
          },
          // The name carries the content's digest; where the file lay when it was uploaded does not matter.
          { parent: this, ignoreChanges: ["create"], replaceOnChanges: ["name", "target"] },
        ).path;
      this.source = {
        capacity: local.capacity,
        digest: short,
        disk: upload("image", local.disk, "qcow2"),
        ...(local.kernel && {
          kernel: {
            vmlinuz: upload("vmlinuz", local.kernel.vmlinuz, "raw"),
            initrd: upload("initrd", local.kernel.initrd, "raw"),
            cmdline: local.kernel.cmdline,
          },
        }),
      };
    }
    this.registerOutputs({ digest: this.source.digest });
  }

  /**
   * "sha256:…" of the disk. Not known in a preview before the image is built, nor before one of the user's own was up:
   * a preview does not read it through.
   */
  contentDigest(): pulumi.Output<string | undefined> {
    const preview = pulumi.runtime.isDryRun();
    const { image } = this;
    const digest = async (): Promise<string | undefined> => {
      if (image === undefined) return builtDigest(this.localDisk);
      if (image.sha256 !== undefined) return `sha256:${image.sha256.toLowerCase()}`;
      return fileDigest(this.localDisk, !preview);
    };
    const later = pulumi.unknown as string | undefined;
    return pulumi.output(digest().then((known) => known ?? (preview ? later : undefined)));
  }
}
