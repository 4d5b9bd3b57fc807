import { defineConfig } from "vitest/config";

/** What needs the registry: other runtimes and compilers, and the dependencies of the commands. */
export default defineConfig({
  test: {
    include: ["test/registry/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
