import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { ensurePrivateDirectory, writeAtomically } from "../lib/files";
import { mapSecrets, secret, type Properties, type Value } from "../lib/properties";

/** One resource as last recorded. */
export interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  /** Empty for components. */
  readonly id: string;
  readonly parent: string;
  /** `urn::id` of the explicit provider; empty for a default one. */
  readonly provider: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
  readonly dependencies: readonly string[];
  /** Input property → the resources its value came from. */
  readonly propertyDependencies: { readonly [property: string]: readonly string[] };
  /** The option of that name: the resource is replaced when its value becomes another. */
  readonly replacementTrigger?: Value;
  /** Replaced by another of the same URN; to be deleted once the program has run. */
  readonly doomed?: true;
}

/** An operation that is to be done or was begun; found again after a crash, it says what may be half-done. */
export interface Intent {
  readonly kind: "create" | "update";
  readonly urn: string;
  readonly type: string;
  readonly provider: string;
  /** Of a creation. */
  readonly inputs: Properties;
  /** Of a creation: see Context.mark. */
  readonly mark: string;
  /** Of an update: why it is needed, where no input has changed. */
  readonly reason?: string;
}

export interface State {
  readonly version: 1;
  readonly project: string;
  readonly stack: string;
  /** In the order of creation: dependencies come before their dependents. */
  resources: ResourceState[];
  intents: Intent[];
}

/** What older versions wrote: by URN, what has befallen a resource's dependency. */
interface Former {
  readonly disturbed?: { readonly [urn: string]: { readonly by: string } };
}

export class StateError extends Error {}

/** @param reason see Intent */
export const updateOf = (
  { urn, type, provider }: Pick<ResourceState, "urn" | "type" | "provider">,
  reason?: string,
): Intent => ({
  ...{ kind: "update", urn, type, provider, inputs: {}, mark: "" },
  ...(reason !== undefined && { reason }),
});

/** Why a resource is updated whose dependency is not what it was. */
export const recreated = (dependency: string): string => `its dependency ${dependency} was recreated`;

/** A key the secrets of one state are encrypted with, kept beside it. */
const keyFile = (file: string): string => `${file}.key`;
const ENCRYPTED = "v1:";

/**
 * The state in one JSON file (0600, in a 0700 directory). Secrets are encrypted (AES-256-GCM) with a key in a file of its
 * own, so that a state can be shown, copied or attached to a bug report without giving them away.
 */
export class StateFile {
  /**
   * What each record is in the file. Records are replaced, never changed: without this, each of the hundreds of steps of a large
   * stack would encrypt and print all of it again.
   */
  private readonly written = new WeakMap<ResourceState | Intent, string>();

  constructor(
    private readonly file: string,
    private readonly project: string,
    private readonly stack: string,
  ) {}

  /** The recorded state, or an empty one. */
  load(): State {
    const { project, stack } = this;
    const empty: State = { version: 1, project, stack, resources: [], intents: [] };
    let text: string;
    try {
      text = fs.readFileSync(this.file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return empty;
      throw error;
    }
    let raw: State & Former;
    try {
      raw = JSON.parse(text) as State & Former;
    } catch {
      throw new StateError(`${this.file} is not valid JSON: restore it from a backup`);
    }
    if (raw.version !== 1) {
      throw new StateError(`${this.file} has version ${String(raw.version)}; this engine reads version 1`);
    }
    if (raw.project !== this.project || raw.stack !== this.stack) {
      throw new StateError(
        `${this.file} belongs to ${raw.project}/${raw.stack}, not to ${this.project}/${this.stack}`,
      );
    }
    const open = <T>(v: T): T => mapSecrets(v as Value, (s) => this.decrypt(s)) as T;
    const resources = open(raw.resources);
    const disturbed = resources.flatMap((resource) => {
      const { by } = raw.disturbed?.[resource.urn] ?? {};
      return by === undefined || resource.doomed ? [] : [updateOf(resource, recreated(by))];
    });
    return { ...empty, resources, intents: [...open(raw.intents), ...disturbed] };
  }

  /** Written to a temporary file, synced and renamed: a crash leaves the old state or the new one, never a torn one. */
  save({ version, project, stack, resources, intents }: State): void {
    ensurePrivateDirectory(path.dirname(this.file));
    const head = JSON.stringify({ version, project, stack }).slice(0, -1);
    const [made, begun] = [resources, intents].map((records) =>
      records.map((record) => `\n${this.print(record)}`).join(),
    );
    writeAtomically(this.file, `${head},"resources":[${made}\n],"intents":[${begun}\n]}\n`);
  }

  private print(record: ResourceState | Intent): string {
    const sealed = (): Value => mapSecrets(record as unknown as Value, (s) => this.encrypt(s));
    const text = this.written.get(record) ?? JSON.stringify(sealed(), null, 1);
    this.written.set(record, text);
    return text;
  }

  private key(create: boolean): Buffer {
    const file = keyFile(this.file);
    try {
      return Buffer.from(fs.readFileSync(file, "utf8").trim(), "base64");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    if (!create)
      throw new StateError(`${file} is missing: without it the secrets in ${this.file} cannot be read`);
    const key = randomBytes(32);
    writeAtomically(file, `${key.toString("base64")}\n`);
    return key;
  }

  private encrypt(v: Value): Value {
    const plain = JSON.stringify((v as { value: Value }).value);
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.key(true), iv);
    const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
    return secret(ENCRYPTED + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64"));
  }

  private decrypt(v: Value): Value {
    const sealed = Buffer.from(String((v as { value: Value }).value).slice(ENCRYPTED.length), "base64");
    const decipher = createDecipheriv("aes-256-gcm", this.key(false), sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    try {
      const plain = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString("utf8");
      return secret(JSON.parse(plain) as Value);
    } catch {
      throw new StateError(`${keyFile(this.file)} is not the key of ${this.file}`);
    }
  }
}
