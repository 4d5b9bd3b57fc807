import { enableCompileCache } from "node:module";
import { configDefaults, defineConfig } from "vitest/config";

// Each worker loads the tree anew, and tests start threads and processes: compiled once for all.
const { directory } = enableCompileCache();
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

/** Bundles the threads that tests start. */
const THREADS = "./scripts/bundle-threads.ts";

/**
 * Files of a group share a process, which halves the CPU time: modules are loaded, and the allocators
 * optimised, once. Groups are apart, since an allocator that V8 has seen over several kinds of memory
 * is slow.
 */
const GROUPS = {
  /** Booted machines on direct memory. Threads that they start have isolates of their own. */
  booted: [
    "allocators",
    "caches",
    "docs",
    "kernel",
    "kunit",
    "oracle",
    "pages",
    "report",
    "slab",
    "slub",
    "sysfs",
  ],
  /** Primitives, a few explored words, and what watches over threads: little of the allocators. */
  light: ["explore", "machine", "stress"],
  /** Allocators over the memories of the explorer, of torture and of checks. */
  explored: [
    "check",
    "groups",
    "laboratory",
    "museum",
    "mutants",
    "reports",
    "sheaves-torture",
    "testing",
  ],
};

/** Tests with configurations of their own. */
const ELSEWHERE = ["browser", "registry", "soak"];

const filesIn = (folders: readonly string[]): string[] =>
  folders.map((folder) => `test/${folder}/**/*.test.ts`);

function group(name: string, include: string[], without: readonly string[] = []) {
  const exclude = [...configDefaults.exclude, ...filesIn(without)];
  return { extends: true, test: { name, include, exclude, isolate: false, globalSetup: THREADS } };
}

export default defineConfig({
  test: {
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
    projects: [
      ...Object.entries(GROUPS).map(([name, folders]) => group(name, filesIn(folders))),
      // All others: commands and packages.
      group("commands", ["test/**/*.test.ts"], [...Object.values(GROUPS).flat(), ...ELSEWHERE]),
    ],
  },
});
