/** Applies the program of the current directory with the embedded engine, as `scripts/lab` applies the project's own: up or destroy, and the file of its state; prints what came of it. */
import { EmbeddedEngine } from "../../engine";

async function main([verb = "", stateFile = ""]: string[]): Promise<void> {
  const engine = new EmbeddedEngine({
    projectDir: process.cwd(),
    stack: "dev",
    stateFile,
    onEvent: ({ diagnosticEvent: told }) => {
      if (told?.severity === "error") process.stderr.write(told.message);
    },
  });
  const result = await (verb === "up" ? engine.up({}) : engine.destroy());
  process.stdout.write(JSON.stringify(result));
}

void main(process.argv.slice(2));
