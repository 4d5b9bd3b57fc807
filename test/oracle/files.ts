/**
 * Where the recorded answers of real kernels lie. A checkout that has the whole collection beside
 * it (`../shared/oracle`) is tested against all of it; any other against the excerpt checked in
 * here, which holds the same files with fewer rows.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const whole = fileURLToPath(new URL("../../../shared/oracle/", import.meta.url));
const excerpt = fileURLToPath(new URL("./excerpt/", import.meta.url));

/** True where the whole collection is there. */
export const isWhole = existsSync(whole);
/** "whole" or "excerpt", for the titles of tests. */
export const collection = isWhole ? "whole" : "excerpt";

const SUFFIX = /\.json(\.gz)?$/;

/** The collection of all kernels, and those of one kernel that lie in a folder of their own. */
export const COLLECTIONS = ["", "slub-6.1/", "slub-6.19/", "slub-7.1/"];

/** The runs of one folder (`geom`, `trace`, …), sorted, without `.json` or `.json.gz`. */
export function oracleRuns(folder: string): string[] {
  return COLLECTIONS.flatMap((collection) => {
    const at = `${isWhole ? whole : excerpt}${collection}${folder}`;
    if (!existsSync(at)) return [];
    return readdirSync(at)
      .filter((name) => SUFFIX.test(name))
      .map((name) => name.replace(SUFFIX, ""))
      .sort();
  });
}

/** The parsed record of one run, compressed or not. The caller knows its shape. */
export function readOracle<T>(folder: string, run: string): T {
  for (const collection of COLLECTIONS) {
    const path = `${isWhole ? whole : excerpt}${collection}${folder}/${run}.json`;
    if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as T;
    if (existsSync(`${path}.gz`)) {
      return JSON.parse(gunzipSync(readFileSync(`${path}.gz`)).toString("utf8")) as T;
    }
  }
  throw new Error(`no record of ${folder}/${run}`);
}

/** What a record says of its machine: `"0-3 possible 0-15 nodes 0-1"`. */
export function machineOf(cpus: string): { cpus: number; possibleCpus: number; nodes: number } {
  const match = /^(\S+) possible (\S+) nodes (\S+)$/.exec(cpus);
  if (match === null) throw new Error(`no description of a machine: ${cpus}`);
  const [, present = "", possible = "", nodes = ""] = match;
  return { cpus: count(present), possibleCpus: count(possible), nodes: count(nodes) };
}

/** How many numbers a list such as `0-3,8` names. */
function count(list: string): number {
  return list
    .split(",")
    .map((range) => range.split("-").map(Number))
    .reduce((sum, [from = 0, to = from]) => sum + to - from + 1, 0);
}

/** Boot options as a record has them, `["slub_debug=FZPU", "slab_nomerge"]`, as parameters. */
export function paramsOf(cmdline: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    cmdline.map((option) => {
      const equals = option.indexOf("=");
      return equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
    }),
  );
}

/**
 * Which kernel a run's name stands for: `k41slub-…`, `k41slabdbg-…`, `k61slab-…`, `d61-…`, `k619slub-…`,
 * `k71slub-…`.
 */
export function kernelOf(run: string): {
  allocator: "slub" | "slab";
  kernel: "4.1" | "6.1" | "6.19" | "7.1";
  config: ("DEBUG_SLAB" | "ZONE_DMA" | "MEMCG_KMEM")[];
} {
  if (run.startsWith("k71")) return { allocator: "slub", kernel: "7.1", config: ["ZONE_DMA"] };
  if (run.startsWith("k619")) return { allocator: "slub", kernel: "6.19", config: ["ZONE_DMA"] };
  const allocator = run.includes("slab") ? "slab" : "slub";
  const kernel = run.startsWith("k41") ? "4.1" : "6.1";
  if (run.startsWith("k41slabdbg")) return { allocator, kernel, config: ["DEBUG_SLAB"] };
  // A distribution's kernel has what its users may want.
  const distribution = run.startsWith("d61");
  return {
    allocator,
    kernel,
    config: distribution ? ["ZONE_DMA", "MEMCG_KMEM"] : [],
  };
}
