import { enableCompileCache } from "node:module";
import { configDefaults, defineConfig } from "vitest/config";

// Each file has a process of its own, and tests start threads and processes: compiled once for all.
const { directory } = enableCompileCache();
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/browser/**", "test/registry/**", "test/soak/**"],
    // Processes, not threads: tests start worker threads of their own and may block on Atomics.wait.
    pool: "forks",
    maxWorkers: 2,
    // Node itself loads the modules. With Vite's runner each use of an import calls a getter, and a
    // search takes three times as long.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // What hangs is caught by limits within the tests; a slow machine only needs longer.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
});
