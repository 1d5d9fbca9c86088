/** Names of stacks, by Pulumi's own rule. scripts/host/stack.sh has the same one for what runs before there is a Node.js. */
import { PROJECT } from "../lab/naming";

const MAX_LENGTH = 100;

/** What a checkout keeps in `.lab` beside its stacks' directories: a stack of that name would lose it, or it the stack. */
const OTHERS_IN_LAB = new Set(["node", "node.lock", "modules.lock", "test-results", "image-digests.json"]);

/**
 * Why a stack cannot have this name; undefined when it can.
 * @param whose of what else it is the name: a cluster's becomes part of what is named after the stack
 */
export function stackNameProblem(name: string, whose = "a stack's"): string | undefined {
  if (name === "") return `${whose} name must not be empty`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return `${whose} name consists of letters, digits, "-", "_" and "."`;
  if (name.length > MAX_LENGTH)
    return `${whose} name has at most ${MAX_LENGTH} characters, not ${name.length}`;
  if (name === "." || name === "..") return "that names a directory, not a stack";
  if (OTHERS_IN_LAB.has(name)) return `.lab/${name} is the checkout's own, choose another name`;
  return undefined;
}

/** A stack as people name it. */
export interface StackReference {
  readonly name: string;
  /** Whose it is in a Pulumi backend; absent where it is for the backend to say. */
  readonly organization?: string;
}

/**
 * Reads `NAME`, `ORGANIZATION/NAME` or `ORGANIZATION/PROJECT/NAME`, which mean what they mean to Pulumi.
 * @throws Error with the reason
 */
export function parseStackReference(given: string): StackReference {
  const refused = (why: string): Error => new Error(`--stack ${JSON.stringify(given)}: ${why}`);
  const parts = given.split("/");
  if (parts.length > 3) throw refused(`expected NAME, ORGANIZATION/NAME or ORGANIZATION/${PROJECT}/NAME`);
  const name = parts.at(-1) ?? "";
  const why = stackNameProblem(name);
  if (why !== undefined) throw refused(why);
  if (parts.length === 3 && parts[1] !== PROJECT) throw refused(`the project here is ${PROJECT}`);
  if (parts.length === 1) return { name };
  const [organization = ""] = parts;
  if (!/^[A-Za-z0-9._-]+$/.test(organization))
    throw refused('an organization\'s name consists of letters, digits, "-", "_" and "."');
  return { name, organization };
}
