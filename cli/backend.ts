/** The two engines behind one interface: Pulumi where its CLI is on PATH, the embedded one elsewhere. */
import { execFileSync } from "node:child_process";
import type { Access } from "../components/observation";
import type { Health } from "../model/health";

export interface StackOutputs {
  readonly vip?: string;
  readonly url?: string;
  readonly nodes?: Readonly<Record<string, { role: string; address: string }>>;
  readonly health?: Health;
  /** Names the content that all guests booted from. */
  readonly imageDigest?: string;
  readonly access?: Access;
}

/** Resources by what was done to them. */
export type ChangeCounts = Readonly<
  Partial<Record<"create" | "update" | "replace" | "delete" | "same", number>>
>;

export interface Backend {
  readonly engine: "pulumi" | "embedded";
  /** Whether the stack has any state. */
  exists(): Promise<boolean>;
  up(): Promise<ChangeCounts>;
  preview(): Promise<ChangeCounts>;
  destroy(): Promise<ChangeCounts>;
  /** Secrets are in the clear in what it returns. */
  outputs(): Promise<StackOutputs>;
}

export type EngineChoice = "auto" | "pulumi" | "embedded";

export function pulumiOnPath(): boolean {
  try {
    execFileSync("pulumi", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
