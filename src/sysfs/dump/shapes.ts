// SPDX-License-Identifier: GPL-2.0-only
/**
 * Which shape (bytes of an object, objects of a slab, pages of a slab) a cache of a dump would have
 * by the rules of a kernel: as it is named, without debugging and with each kind of it.
 */
import { DEFAULT_BOOT_PARAMETERS, parseBootParameters } from "../../caches/boot-parameters.ts";
import {
  type AllocatorName,
  SLAB_HWCACHE_ALIGN,
  SLAB_KMALLOC,
  SLAB_RECLAIM_ACCOUNT,
  SLAB_TYPESAFE_BY_RCU,
} from "../../caches/flags.ts";
import { type KernelVersion, since } from "../../caches/kernel-version.ts";
import { kmallocAlign, kmallocCaches } from "../../caches/kmalloc-sizes.ts";
import { slabGeometry } from "../../slab/geometry.ts";
import { slubGeometry } from "../../slub/geometry.ts";
import type { DumpRow } from "./row.ts";

/** The allocator of one kernel on a machine with so many CPUs. */
export interface Rules {
  readonly allocator: AllocatorName;
  readonly kernel: KernelVersion;
  readonly cpus: number;
}

interface Shape {
  readonly size: number;
  readonly objectsPerSlab: number;
  readonly order: number;
}

interface Wanted {
  readonly size: number;
  readonly align?: number;
  readonly flags?: number;
  readonly ctor?: boolean;
}

const KMALLOC = /^(?:dma-)?kmalloc-(?:(?:rcl|cg|dma|rnd-\d+)-)?(\d+)([kM]?)$/;
/** SLAB's names until 3.x. */
const SIZE = /^size-(\d+)(?:\(DMA\))?$/;
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, M: 1024 * 1024 };

/** All combinations of the letters that add to an object, the usual one first. */
const DEBUG_LETTERS = ["FZPU", "FZP", "FZ", "FU", "FP", "FZU", "FPU"] as const;

/** The name that a cache of a memory group shares with the others: `kmalloc-64(3:web)`. */
function rootName(name: string): string {
  return name.replace(/\(\d+:.*\)$/, "");
}

/** Bytes that the name of a kmalloc cache promises. */
export function promisedSize(name: string): number | undefined {
  const root = rootName(name);
  const [, digits, unit = ""] = KMALLOC.exec(root) ?? SIZE.exec(root) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit] ?? 1);
}

/** Whether the kernel has a kmalloc cache of that name; randomly chosen ones are not looked up. */
export function hasKmallocCache({ allocator, kernel }: Rules, name: string): boolean {
  const build = { allocator, kernel, config: ["MEMCG_KMEM", "ZONE_DMA"] as const };
  const root = rootName(name);
  return /-rnd-/.test(root) || kmallocCaches(build).some((cache) => cache.name === root);
}

/** Whether the row is a cache of the kernel without debugging. */
export function isPlain(rules: Rules, row: DumpRow): boolean {
  const promised = promisedSize(row.name);
  if (promised !== undefined) {
    const shape = kmallocShape(rules, promised, undefined);
    return shape !== undefined && fits(row, shape);
  }
  return sizesOf(row).some((size) => plainShapes(rules, size).some((shape) => fits(row, shape)));
}

/** A kmalloc cache, without debugging or with the letters of slub_debug; SLAB knows one kind. */
function kmallocShape(rules: Rules, size: number, debug: string | undefined): Shape | undefined {
  const { allocator, kernel } = rules;
  const align = kmallocAlign(kernel, size);
  if (allocator === "slab") {
    return slabShape(rules, { size, align, flags: SLAB_HWCACHE_ALIGN }, debug !== undefined);
  }
  return slubShape(rules, { size, align, flags: since(kernel, "6.1") ? SLAB_KMALLOC : 0 }, debug);
}

/** The debugging that makes a kmalloc cache of this row, in words; undefined where none does. */
export function debuggingOf(rules: Rules, row: DumpRow): string | undefined {
  const promised = promisedSize(row.name);
  if (promised === undefined) return undefined;
  const { allocator, kernel } = rules;
  const letters = DEBUG_LETTERS.find((debug) => {
    const shape = kmallocShape(rules, promised, debug);
    return shape !== undefined && fits(row, shape);
  });
  if (letters === undefined) return undefined;
  if (allocator === "slab") return "DEBUG_SLAB is on";
  const parameter = since(kernel, "6.7") ? "slab_debug" : "slub_debug";
  return letters === "FZPU" ? `${parameter} is on` : `${parameter}=${letters} is on`;
}

/** Pages that the rules give to a slab of such objects, on machines with so many CPUs. */
export function plainOrders(rules: Rules, size: number): number[] {
  return [...new Set(plainShapes(rules, size).map(({ order }) => order))];
}

function fits(row: DumpRow, shape: Shape): boolean {
  if (!sizesOf(row).includes(shape.size)) return false;
  const { objectsPerSlab = shape.objectsPerSlab, pagesPerSlab = 2 ** shape.order } = row;
  const bytes = row.slabBytes ?? pagesPerSlab * 4096;
  return objectsPerSlab === shape.objectsPerSlab && bytes === 2 ** shape.order * 4096;
}

/** The sizes that a buffer of the row may have. */
export function sizesOf({ size, sizes, objectSize }: DumpRow): number[] {
  if (size !== undefined) return [size];
  const [least, most] = sizes ?? (objectSize === undefined ? [1, 0] : withPointer(objectSize));
  const all: number[] = [];
  for (let at = Math.ceil(least / 8) * 8; at <= most; at += 8) all.push(at);
  return all;
}

/** An object may be followed by its free pointer, and by bytes up to the next cache line. */
function withPointer(objectSize: number): [number, number] {
  return [objectSize, Math.ceil((objectSize + 8) / 64) * 64];
}

function plainShapes(rules: Rules, size: number): Shape[] {
  if (rules.allocator === "slub") return present([slubShape(rules, { size }, undefined)]);
  const wishes: Wanted[] = [
    { size },
    { size, flags: SLAB_HWCACHE_ALIGN },
    { size, flags: SLAB_RECLAIM_ACCOUNT },
    { size, flags: SLAB_TYPESAFE_BY_RCU },
    { size, flags: SLAB_TYPESAFE_BY_RCU | SLAB_RECLAIM_ACCOUNT },
    { size, flags: SLAB_HWCACHE_ALIGN | SLAB_RECLAIM_ACCOUNT },
    { size, ctor: true },
    { size, ctor: true, flags: SLAB_RECLAIM_ACCOUNT },
  ];
  return present(wishes.map((wanted) => slabShape(rules, wanted, false)));
}

function present(shapes: readonly (Shape | undefined)[]): Shape[] {
  return shapes.filter((shape) => shape !== undefined);
}

function slubShape(rules: Rules, wanted: Wanted, debug: string | undefined): Shape | undefined {
  const { kernel, cpus } = rules;
  const parameters =
    debug === undefined
      ? DEFAULT_BOOT_PARAMETERS
      : parseBootParameters(kernel, { slub_debug: debug });
  const geometry = slubGeometry({ kernel, cpus, presentCpus: cpus }, parameters, {
    align: 0,
    flags: 0,
    ctor: false,
    ...wanted,
  });
  if (geometry === undefined) return undefined;
  const { size, objects, order } = geometry;
  return { size, objectsPerSlab: objects, order };
}

function slabShape(rules: Rules, wanted: Wanted, isDebug: boolean): Shape | undefined {
  const { kernel, cpus } = rules;
  const config = isDebug ? (["DEBUG_SLAB"] as const) : [];
  const machine = { kernel, cpus, nodeCpus: cpus, config };
  const request = { align: 0, flags: 0, ctor: false, ...wanted };
  const geometry = slabGeometry(machine, DEFAULT_BOOT_PARAMETERS, request);
  if (geometry === undefined) return undefined;
  const { size, num, gfporder } = geometry;
  return { size, objectsPerSlab: num, order: gfporder };
}
