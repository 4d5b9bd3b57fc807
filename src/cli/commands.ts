// SPDX-License-Identifier: GPL-2.0-only
/**
 * The commands as the program lists them. Which options one has is loaded when it is called; what it
 * does, when they have been read.
 */
import type { Command } from "commander";

export interface ListedCommand {
  /** Options and arguments, as its own help shows them. */
  readonly usage: string;
  readonly description: string;
  load(): Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, ListedCommand>> = {
  stress: {
    usage: "[options]",
    description: "allocate and free on real threads, every object watched, and check everything",
    load: async () => (await import("./options/stress.ts")).stressCommand(),
  },
  explore: {
    usage: "[options] <scenario>",
    description: "search a scenario, step by step, for a schedule that fails",
    load: async () => (await import("./options/explore.ts")).exploreCommand(),
  },
  fuzz: {
    usage: "[options] [module]",
    description: "search small generated programs for one that fails",
    load: async () => (await import("./options/fuzz.ts")).fuzzCommand(),
  },
  replay: {
    usage: "[options] <scenario> [token]",
    description: "run one schedule again and show it as a timeline",
    load: async () => (await import("./options/replay.ts")).replayCommand(),
  },
  museum: {
    usage: "",
    description: "bugs that Linux's slab allocators had: the catalogue, and the proof",
    load: async () => (await import("./options/museum.ts")).museumCommand(),
  },
  worker: {
    usage: "[options]",
    description: "run the jobs of searches on a queue (--queue)",
    load: async () => (await import("./options/worker.ts")).workerCommand(),
  },
  merge: {
    usage: "[options] <file...>",
    description: "one answer of the shards of a search (--shard I/N --json)",
    load: async () => (await import("./options/merge.ts")).mergeCommand(),
  },
  scale: {
    usage: "[options]",
    description: "what an allocation costs, and where it stops scaling",
    load: async () => (await import("./options/scale.ts")).scaleCommand(),
  },
  geometry: {
    usage: "[options]",
    description: "how a kernel lays out a cache: sizes, orders, objects, queues",
    load: async () => (await import("./options/geometry.ts")).geometryCommand(),
  },
  script: {
    usage: "[options] <file>",
    description: "what a kernel's allocator does, step by step, with a script",
    load: async () => (await import("./options/script.ts")).scriptCommand(),
  },
  slabinfo: {
    usage: "[options] [file]",
    description: "/proc/slabinfo of a machine, to the byte; or what a dump of a real one means",
    load: async () => (await import("./options/slabinfo.ts")).slabinfoCommand(),
  },
  sysfs: {
    usage: "[options] [cache] [file]",
    description: "/sys/kernel/slab of a machine",
    load: async () => (await import("./options/sysfs.ts")).sysfsCommand(),
  },
  top: {
    usage: "[options]",
    description: "the caches of a machine under stress, live and sorted",
    load: async () => (await import("./options/top.ts")).topCommand(),
  },
};
