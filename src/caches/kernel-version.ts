// SPDX-License-Identifier: GPL-2.0-only
/**
 * The kernels whose allocators are copied, oldest first, and the one question that code may ask
 * about them: whether a kernel has what some release of Linux changed.
 *
 * A choice between whole versions is a `Record<KernelVersion, …>`, so that a version added here is
 * a compile error wherever a choice is missing.
 */

/** 4.1.52, 6.1.192, 6.19.0 and 7.1.5. */
export const KERNEL_VERSIONS = ["4.1", "6.1", "6.19", "7.1"] as const;
export type KernelVersion = (typeof KERNEL_VERSIONS)[number];

/** The versions that have SLAB, which Linux 6.8 removed. */
export type SlabKernelVersion = Exclude<KernelVersion, "6.19" | "7.1">;

export function hasSlab(kernel: KernelVersion): kernel is SlabKernelVersion {
  return !since(kernel, "6.8");
}

/** Why there is no SLAB in that kernel. */
export function noSlab(kernel: KernelVersion): string {
  return `Linux ${kernel} has no SLAB, which was removed in 6.8`;
}

/** The version that the commands run by default: it has both allocators, and most of the museum. */
export const DEFAULT_KERNEL: KernelVersion = "4.1";

/** The version that the library boots by default. */
export const NEWEST_KERNEL: KernelVersion = "7.1";

/**
 * `fixed`: with the fixes that leave the order of objects as it is. `seed`: as it was before the fix for
 * CVE-2022-49700, in whichever kernel runs. `faithful`: as that release of Linux is, with the bugs that
 * it has: 4.1 the same one, 7.1 a bulk free that loses objects.
 */
export const ERAS = ["fixed", "seed", "faithful"] as const;
export type Era = (typeof ERAS)[number];

/** A release of Linux, which need not be one that is copied. */
export type Release = `${number}.${number}`;

const ordinals = new Map<string, number>();

/** Releases in their order: 4.9 comes before 4.10. */
function ordinal(release: string): number {
  const known = ordinals.get(release);
  if (known !== undefined) return known;
  const [major, minor] = release.split(".");
  const made = Number(major) * 1000 + Number(minor);
  ordinals.set(release, made);
  return made;
}

/** Whether `kernel` has what `release` changed. */
export function since(kernel: KernelVersion, release: Release): boolean {
  return ordinal(kernel) >= ordinal(release);
}
