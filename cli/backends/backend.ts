/** The two engines behind one interface: Pulumi where its CLI is on PATH, the embedded one elsewhere. */
import type { HostPlace } from "../../lib/hostPlace";
import type { Login } from "../../lib/ssh";
import type { Access } from "../../model/lab/access";
import type { Health } from "../../model/health";
import type { RecordedResource } from "../stack/recorded";
import type { StackConfig } from "../stack/stackFile";

/** Type of a guest's machine in both engines' states. */
export const DOMAIN = "libvirt:index/domain:Domain";

export interface StackOutputs {
  readonly vip?: string;
  readonly url?: string;
  readonly nodes?: Readonly<Record<string, { role: string; address: string }>>;
  readonly health?: Health;
  /** "sha256:…" of the disk that all guests lie on; in a preview perhaps not known yet. */
  readonly imageDigest?: string;
  /** A secret. */
  readonly privateKey?: string;
  /** A secret. A stack that was applied before AppliedLab existed has its lab in here. */
  readonly access?: Login & Partial<Pick<Access, "lab">>;
}

/** Resources by what was done to them. */
export type ChangeCounts = Readonly<
  Partial<Record<"create" | "update" | "replace" | "delete" | "same", number>>
>;

/** What is secret is masked; what is not known before the work is done is a text that says so. */
export type ShownOutputs = { readonly [Name in keyof StackOutputs]: StackOutputs[Name] | string };

/** What `up` would do and lead to. */
export interface Foreseen {
  readonly counts: ChangeCounts;
  /** Which guests would be restarted or made anew, by `guestIds`: any change of a domain stops it first. */
  readonly restarts: readonly string[];
  readonly outputs: ShownOutputs;
}

export interface Backend {
  readonly engine: "pulumi" | "embedded";
  /** Whether the stack has any state. */
  exists(): Promise<boolean>;
  /** The stack's configuration, secrets in the clear. */
  config(): Promise<StackConfig>;
  /** Names of the domains that its state knows, with UUIDs where it knows them. */
  domains(): Promise<ReadonlyMap<string, string | undefined>>;
  /**
   * To be asked before anything of the stack is touched: removes the lock of a run that was killed.
   * @throws Error naming who changes the stack now, as far as the backend can say
   */
  unlock(): Promise<void>;
  /** @param absent hosts that do not answer: what the state has of them stays as it is, and is asked nothing */
  up(absent?: readonly HostPlace[]): Promise<ChangeCounts>;
  preview(absent?: readonly HostPlace[]): Promise<Foreseen>;
  /** Drops from the state what is on hosts that never return. @returns how many resources that was */
  forget(lost: readonly HostPlace[]): Promise<number>;
  destroy(): Promise<ChangeCounts>;
  /** All that its state records; nothing without a stack. */
  resources(): Promise<readonly RecordedResource[]>;
}

export type EngineChoice = "auto" | "pulumi" | "embedded";
