import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    // A tree without pages has nothing to show in a browser.
    passWithNoTests: true,
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
