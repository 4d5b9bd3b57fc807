/**
 * Reports that people have posted, a few lines each: their words and columns are what ours are
 * compared with. Left out are symbols of stacks, registers, and what other subsystems printed.
 */
import type { KernelVersion } from "../../src/caches/kernel-version.ts";

export interface PublicReport {
  readonly source: string;
  /** The kernel that printed it. */
  readonly printedBy: string;
  /** Ours that prints in the same words. */
  readonly kernel: KernelVersion;
  readonly lines: readonly string[];
}

export const RED_ZONE: readonly PublicReport[] = [
  {
    source: "github.com/raspberrypi/linux issue 2015",
    printedBy: "4.9, 32 bits",
    kernel: "4.1",
    lines: [
      "=============================================================================",
      "BUG kmalloc-512 (Not tainted): Redzone overwritten",
      "-----------------------------------------------------------------------------",
      "",
      "Disabling lock debugging due to kernel taint",
      "INFO: 0xadb51e08-0xadb51e0c. First byte 0x40 instead of 0xcc",
      "INFO: Allocated in platform_device_alloc+0x34/0x78 age=11951 cpu=0 pid=1",
      "\t__slab_alloc.constprop.8+0x44/0x90",
      "INFO: Slab 0xae3d1740 objects=21 used=21 fp=0x  (null) flags=0x4081",
      "INFO: Object 0xadb51e40 @offset=7744 fp=0xadb52140",
      "",
    ],
  },
  {
    source: "github.com/openwrt/openwrt issue 19938",
    printedBy: "6.6, 32 bits",
    kernel: "6.1",
    lines: [
      "=============================================================================",
      "BUG kmalloc-128 (Tainted: G    B             ): kmalloc Redzone overwritten",
      "-----------------------------------------------------------------------------",
      "",
      "0x81b6b685-0x81b6b69f @offset=1669. First byte 0x6b instead of 0xcc",
      "Allocated in usb_get_bos_descriptor+0x40/0x2e0 age=4 cpu=0 pid=154",
      " __kmem_cache_alloc_node+0x80/0x138",
    ],
  },
];

export const OUT_OF_MEMORY: readonly PublicReport[] = [
  {
    source: "github.com/moby/moby issue 35545",
    printedBy: "3.10",
    kernel: "4.1",
    lines: [
      "SLUB: Unable to allocate memory on node -1 (gfp=0x20)",
      "  cache: kmalloc-1024(1793:c8ede), object size: 1024, buffer size: 1024, default order: 3, min order: 0",
      "  node 0: slabs: 663, objs: 20964, free: 0",
    ],
  },
  {
    source: "github.com/rfjakob/earlyoom issue 220",
    printedBy: "5.9",
    kernel: "6.1",
    lines: [
      "SLUB: Unable to allocate memory on node -1, gfp=0x900(GFP_NOWAIT|__GFP_ZERO)",
      "  cache: page->ptl, object size: 72, buffer size: 72, default order: 0, min order: 0",
      "  node 0: slabs: 236, objs: 13216, free: 0",
    ],
  },
];

/** Rows of hex dumps, whose columns begin at fixed places behind the address. */
export const HEX_ROWS: readonly string[] = [
  "Object 822f00c0: c0 e8 be 85 72 e9 be 85 80 08 00 00 01 00 00 00  ....r...........",
  "Redzone 822f00d0: cc cc cc cc                                      ....",
  "Padding 822f00f8: 5a 5a 5a 5a 5a 5a 5a 5a                          ZZZZZZZZ",
];

/** A line without its values: addresses, numbers, names of functions and caches. */
export function shapeOf(line: string): string {
  return line
    .replace(/^(\t| )\S.*/, "$1CALL")
    .replace(/^BUG \S+ /, "BUG NAME ")
    .replace(/ in \S.* age=/, " in CALL age=")
    .replace(/cache: .+, object size/, "cache: NAME, object size")
    .replace(/0x +\(null\)/g, "0xN")
    .replace(/0x[0-9a-f]+/g, "0xN")
    .replace(/-?\b\d+\b/g, "N");
}
