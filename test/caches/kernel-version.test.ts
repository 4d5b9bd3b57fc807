/** Which kernel has what some release of Linux changed. */
import { expect, test } from "vitest";
import {
  DEFAULT_KERNEL,
  KERNEL_VERSIONS,
  type KernelVersion,
  type Release,
  since,
} from "../../src/caches/kernel-version.ts";

test.each<[KernelVersion, Release, boolean]>([
  ["4.1", "2.6", true],
  ["4.1", "4.1", true],
  ["4.1", "4.2", false],
  ["4.1", "4.10", false],
  ["4.1", "5.0", false],
  ["6.1", "4.20", true],
  ["6.1", "6.1", true],
  ["6.1", "6.10", false],
])("%s has what %s changed: %s", (kernel, release, has) => {
  expect(since(kernel, release)).toBe(has);
});

test("releases are ordered by their numbers: what 4.10 changed came after 4.9", () => {
  const later = "4.10" as KernelVersion;
  const earlier = "4.9" as KernelVersion;
  expect([since(later, "4.9"), since(earlier, "4.10")]).toEqual([true, false]);
});

test("the versions are listed oldest first, and the default is one of them", () => {
  const older = KERNEL_VERSIONS.slice(0, -1);
  for (const [i, version] of older.entries()) {
    expect(since(version, KERNEL_VERSIONS[i + 1] as Release)).toBe(false);
  }
  expect(KERNEL_VERSIONS).toContain(DEFAULT_KERNEL);
});
