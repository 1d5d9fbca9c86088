/** The directory of one stack, `.lab/STACK`: where it is, and the only way to delete what is in it. */
import { lstatSync, readdirSync, realpathSync, rmdirSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { removeDirectory } from "../../lib/files";
import { stackNameProblem } from "../../model/config/stackName";

const LAB = ".lab";

/**
 * Relative to the checkout; it need not be there.
 * @throws Error for a name that is not a stack's, and where a symbolic link would lead elsewhere
 */
export function stackDirectory(stack: string): string {
  const why = stackNameProblem(stack);
  if (why !== undefined) throw new Error(`stack ${JSON.stringify(stack)}: ${why}`);
  const directory = join(LAB, stack);
  for (const path of [LAB, directory])
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new Error(
        `${path} is a symbolic link, and a stack's files are deleted with the stack: put the directory itself in its place`,
      );
  return directory;
}

/**
 * Deletes a file or directory of the stack's; nothing where there is none. Of a symbolic link only the link itself goes.
 * @param path relative to the stack's directory
 * @throws Error for whatever does not lie strictly below it, before anything is deleted
 */
export function deleteFromStack(stack: string, path: string): void {
  const directory = stackDirectory(stack);
  const target = resolve(directory, path);
  const refused = (): Error => new Error(`${JSON.stringify(path)} is not below ${directory}: not deleted`);
  if (!target.startsWith(resolve(directory) + sep)) throw refused();
  if (lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
  // A link on the way there may lead out.
  if (!`${realpathSync(dirname(target))}${sep}`.startsWith(realpathSync(directory) + sep)) throw refused();
  removeDirectory(target);
}

/** Where nothing of the stack is left, not even its directory stays. */
export function deleteEmptyDirectory(stack: string): void {
  try {
    rmdirSync(stackDirectory(stack));
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Names in a directory. */
export function contents(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not there, or not for this user to read.
    return [];
  }
}
