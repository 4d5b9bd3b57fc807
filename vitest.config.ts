import { enableCompileCache } from "node:module";
import { configDefaults, defineConfig } from "vitest/config";

// The threads and processes that tests start load the tree through Node: compiled once for all.
const { directory: NODE_COMPILE_CACHE = "" } = enableCompileCache();

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/browser/**", "test/soak/**"],
    // Processes, not threads: tests start worker threads of their own and may block on Atomics.wait.
    pool: "forks",
    maxWorkers: 2,
    env: { NODE_COMPILE_CACHE },
    // What hangs is caught by limits within the tests; a slow machine only needs longer.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
