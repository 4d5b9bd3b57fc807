import { defineConfig } from "vitest/config";

/** The long runs: what only chance and time can show. An hour or two, each with all cores for itself. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
