import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

/** The lab's files depend on one another's lab: `00-up` first, `99-down` last, the numbered in between before the rest. */
class ByNumber extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): string => {
      const name = moduleId.split("/").at(-1) ?? "";
      return /^\d/.test(name) ? name : `50-${name}`;
    };
    return Promise.resolve([...files].sort((a, b) => rank(a).localeCompare(rank(b))));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: ByNumber },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          exclude: ["**/*.process.test.ts"],
          // The slowest takes seconds alone; on a busy machine that is no failure.
          testTimeout: 60_000,
          // Loading Pulumi anew for each file is half of the time. So: a test puts back what it changes in its process.
          isolate: false,
        },
      },
      {
        test: {
          name: "process",
          // Beside the unit that it is about; starts a browser, an interpreter or the program itself.
          include: ["test/unit/**/*.process.test.ts"],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      {
        test: {
          name: "services",
          include: ["test/services/**/*.test.ts"],
          // Each file has namespaces of its own. Most of their time is waiting: three at a time, the longest first.
          maxWorkers: 3,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxConcurrency: 6,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          // The command line loads its heavier parts on demand, by Node's own `require`.
          execArgv: ["--import", "tsx"],
          // One lab, two cores: one file, one test at a time.
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
