// SPDX-License-Identifier: GPL-2.0-only
/**
 * Native allocators beside ours: peers.c, compiled here by the machine's compiler, does the same
 * workloads on the malloc that the dynamic linker gives it.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PointKey } from "../point.ts";
import type { CpuPoint, PointPlan } from "../protocol.ts";

const SOURCE = fileURLToPath(new URL("./peers.c", import.meta.url));
const FLAGS = ["-O2", "-fno-builtin-malloc", "-fno-builtin-free", "-pthread"];
/** As the dynamic linker knows them; the C library's own needs none. */
const LIBRARIES: Readonly<Record<string, string>> = {
  glibc: "-",
  jemalloc: "libjemalloc.so.2",
  mimalloc: "libmimalloc.so.2",
  tcmalloc: "libtcmalloc_minimal.so.4",
};
const WORKLOADS = /^(pairs|fifo|random|larson|bulk-\d+)$/;
const MOST_CPUS = 64;
const MOST_OUTPUT = 1 << 26;
/** peers.c exits so where the library is not loaded. */
const NOT_LOADED = 2;

export const NATIVE_PEERS: readonly string[] = Object.keys(LIBRARIES);

const start = promisify(execFile);

/** What cannot be measured on this machine; the message says why. */
export class NotHere extends Error {}

/** The points of a plan for the native allocators. */
export function nativePoints(keys: readonly PointKey[]): PointKey[] {
  const known = keys.filter(({ workload, cpus }) => WORKLOADS.test(workload) && cpus <= MOST_CPUS);
  const distinct = Map.groupBy(known, ({ workload, size, cpus }) => `${workload} ${size} ${cpus}`);
  return NATIVE_PEERS.flatMap((allocator) =>
    [...distinct.values()].map(([key]) => ({ ...(key as PointKey), allocator })),
  );
}

export class NativePeers {
  private readonly folder: string;
  private readonly program: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.program = join(folder, "peers");
  }

  /** @throws NotHere */
  static async compile(compiler = "cc"): Promise<NativePeers> {
    const peers = new NativePeers(mkdtempSync(join(tmpdir(), "slablab-peers-")));
    try {
      await start(compiler, [...FLAGS, "-o", peers.program, SOURCE, "-ldl"]);
    } catch (error) {
      peers.close();
      const { code, stderr } = error as { code: unknown; stderr?: string };
      const why = code === "ENOENT" ? "is not here" : `cannot compile them: ${stderr}`;
      throw new NotHere(`the C compiler ${compiler} ${why}`, { cause: error });
    }
    return peers;
  }

  /** @throws NotHere where the allocator's library is not. */
  async measure(
    { allocator, workload, size, cpus }: PointKey,
    plan: Omit<PointPlan, "number" | "workload" | "size">,
    seed: number,
  ): Promise<CpuPoint[]> {
    const library = LIBRARIES[allocator] as string;
    const { windows, warmUp, patience, discards } = plan;
    const numbers = [windows, warmUp, patience, discards ? 1 : 0, seed];
    const words = [library, workload, size, cpus, ...numbers].map(String);
    const preload = library === "-" ? {} : { LD_PRELOAD: library };
    try {
      const env = { ...process.env, ...preload };
      const { stdout } = await start(this.program, words, { env, maxBuffer: MOST_OUTPUT });
      const measured = JSON.parse(stdout) as Omit<CpuPoint, "latencies">[];
      return measured.map((cpu) => ({ ...cpu, latencies: undefined }));
    } catch (error) {
      if ((error as { code: unknown }).code !== NOT_LOADED) throw error;
      throw new NotHere(`${library} is not installed`, { cause: error });
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
