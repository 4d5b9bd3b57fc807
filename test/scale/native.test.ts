import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { scaleReport } from "../../src/report/scale-text.ts";
import {
  NATIVE_PEERS,
  NativePeers,
  NotHere,
  nativePoints,
} from "../../stress/scaling/native/native.ts";
import { outcome, point } from "./points.ts";

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;
const BRIEF = { windows: 3, warmUp: 20, patience: 2000, discards: false, latencies: false };
const key = (more: object = {}) => ({
  allocator: "slub",
  workload: "pairs",
  size: 64,
  cpus: 1,
  ...more,
});

test("native allocators get each point of a plan once, where peers.c has its workload", () => {
  const ours = [
    key(),
    key({ allocator: "slab" }),
    key({ workload: "bulk-16" }),
    key({ workload: "xmalloc-test", size: 0, cpus: 2 }),
    key({ workload: "larson", cpus: 65 }),
  ];
  const natives = nativePoints(ours).filter(({ allocator }) => allocator === "jemalloc");
  expect(natives.map(({ workload }) => workload)).toEqual(["pairs", "bulk-16"]);
});

test("without a C compiler native allocators are left out in one line", async () => {
  await expect(NativePeers.compile("no-such-cc")).rejects.toThrow(NotHere);
  const why = "the C compiler no-such-cc is not here";
  await expect(NativePeers.compile("no-such-cc")).rejects.toThrow(why);
  const leftOut = [{ allocator: "native allocators", why, failed: false }];
  expect(scaleReport(outcome([], { leftOut }))).toContain(`\nnative allocators: ${why}\n`);
});

test("a report with native allocators says that their unit is smaller", () => {
  const unit = "glibc, jemalloc, mimalloc, tcmalloc: x is to two locked instructions";
  expect(scaleReport(outcome([point({})]))).not.toContain(unit);
  const glibc = point({ allocator: "glibc", ratio: 0.63 });
  const text = scaleReport(outcome([point({}), glibc]));
  expect(text).toContain(unit);
  expect(text).toMatch(/glibc\n.*\n {2}pairs {8}64 {4}1 .* 0\.63 /);
});

test.skipIf(!hasCompiler)(
  "peers.c measures every workload on 2 CPUs (skipped without a C compiler)",
  async () => {
    const peers = await NativePeers.compile();
    for (const workload of ["pairs", "fifo", "random", "larson", "bulk-16"]) {
      const glibc = key({ allocator: "glibc", workload, cpus: 2 });
      const cpus = await peers.measure(glibc, BRIEF, 1);
      expect(cpus).toHaveLength(2);
      for (const { windows, casPairs, discarded } of cpus) {
        expect(windows).toHaveLength(3);
        expect(casPairs).toHaveLength(3);
        expect(Math.min(...windows, ...casPairs)).toBeGreaterThan(0);
        expect(discarded).toBe(0);
      }
    }
    peers.close();
  },
);

test.skipIf(!hasCompiler)(
  "a library that is not installed is named (skipped without a C compiler)",
  async () => {
    const peers = await NativePeers.compile();
    for (const allocator of NATIVE_PEERS) {
      const measured = peers.measure(key({ allocator }), BRIEF, 1).then(
        ([cpu]) => cpu?.windows.length,
        (error) => (error instanceof NotHere ? error.message : error),
      );
      expect([3, expect.stringMatching(/^lib\w+\.so\.\d is not installed$/)]).toContainEqual(
        await measured,
      );
    }
    peers.close();
  },
);
