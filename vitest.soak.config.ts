import { defineConfig } from "vitest/config";

/** The long runs, for what only chance and time can show. Each has all cores for itself. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    globalSetup: "./scripts/bundle-threads.ts",
    pool: "forks",
    maxWorkers: 1,
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
