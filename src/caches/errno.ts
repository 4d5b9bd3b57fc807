/** Error numbers, returned negative as the kernel does. */

export const ENOENT = 2;
export const ENOMEM = 12;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const EIO = 5;
export const ENOSYS = 38;
