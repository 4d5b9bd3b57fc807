import { enableCompileCache } from "node:module";
import { configDefaults, defineConfig } from "vitest/config";

// Each worker loads the tree anew, and tests start threads and processes: compiled once for all.
const { directory } = enableCompileCache();
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;

/** Bundles the threads that tests start. */
const THREADS = "./scripts/bundle-threads.ts";

const ALL = "test/**/*.test.ts";

/**
 * Tests of booted machines on one kind of memory. Their files share a process, which halves the CPU
 * time: modules are loaded, and the allocators optimised, once. Threads that they start have isolates
 * of their own.
 */
const TOGETHER = [
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
].map((folder) => `test/${folder}/**/*.test.ts`);

/**
 * Tests whose own thread runs little of the allocators: those of primitives, those that explore a few
 * words, and those that watch over threads. These files share a process as well.
 */
const LIGHT = ["explore", "machine", "stress"].map((folder) => `test/${folder}/**/*.test.ts`);

const elsewhere = [
  ...configDefaults.exclude,
  ...["browser", "registry", "soak"].map((folder) => `test/${folder}/**`),
];

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
      {
        extends: true,
        test: { name: "together", include: TOGETHER, exclude: elsewhere, isolate: false },
      },
      {
        extends: true,
        test: {
          name: "light",
          include: LIGHT,
          exclude: elsewhere,
          isolate: false,
          globalSetup: THREADS,
        },
      },
      {
        // A process a file: the explorer, torture and checks bring memories of their own, and an
        // allocator that V8 has seen over several is slow; commands change the process they run in.
        extends: true,
        test: {
          name: "apart",
          include: [ALL],
          exclude: [...elsewhere, ...TOGETHER, ...LIGHT],
          globalSetup: THREADS,
        },
      },
    ],
  },
});
