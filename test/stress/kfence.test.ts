import { expect, test } from "vitest";
import { stress } from "../../stress/run.ts";
import { options } from "./options.ts";

test.each([
  ["slub", "6.1"],
  ["slab", "6.1"],
  ["slub", "7.1"],
] as const)(
  "with every 20th object between guard pages all checks pass (%s, %s)",
  async (allocator, kernel) => {
    const wanted = { allocator, kernel, kfence: 20, operations: 4_000, cpus: 2, nodes: 1 };
    const { failure, checks, dmesg } = await stress(options(wanted));
    expect(failure).toBeUndefined();
    expect(checks.allCameBack).toBe(true);
    expect(dmesg.join("\n")).toContain("kfence: initialized - using 2097152 bytes for 255 objects");
  },
);
