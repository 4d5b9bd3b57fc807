// SPDX-License-Identifier: GPL-2.0-only
/** Error numbers, returned negative as the kernel does. */

export const ENOENT = 2;
export const EIO = 5;
export const E2BIG = 7;
export const ENOMEM = 12;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const ERANGE = 34;
export const ENOSYS = 38;

const NAMES: Readonly<Record<number, string>> = {
  [ENOENT]: "ENOENT",
  [EIO]: "EIO",
  [E2BIG]: "E2BIG",
  [ENOMEM]: "ENOMEM",
  [EBUSY]: "EBUSY",
  [EEXIST]: "EEXIST",
  [EINVAL]: "EINVAL",
  [ERANGE]: "ERANGE",
  [ENOSYS]: "ENOSYS",
};

/** `-22 (EINVAL)`, of a negative error number. */
export function errorText(error: number): string {
  return `${error} (${NAMES[-error] ?? "unknown"})`;
}
