// SPDX-License-Identifier: GPL-2.0-only
/**
 * /sys/kernel/slab of a machine with SLUB, packed by tar or printed by `grep -r .`: a directory for
 * each cache, a file for each number. Links are other names of the same cache and are left out.
 */
import type { Dump, DumpRow } from "./row.ts";

const BLOCK = 512;
const FILE_IN_CACHE = /(?:^|\/)([^/]+)\/([a-z_0-9]+)$/;
const GREPPED = /^(\S*?)(?:^|\/)([^/\s]+)\/([a-z_]+):(.*)$/;

/** Files without which a directory is none of a cache. */
const NEEDED = ["object_size", "slab_size", "objs_per_slab", "order"] as const;

type Directories = Map<string, Map<string, string>>;

export function isTar(bytes: Uint8Array): boolean {
  return bytes.length > BLOCK && textAt(bytes, 257, 5) === "ustar";
}

export function isGrepped(text: string): boolean {
  return /^\S*\/object_size:\d+/m.test(text) && /^\S*\/objs_per_slab:\d+/m.test(text);
}

export function readTar(bytes: Uint8Array): Dump {
  const directories: Directories = new Map();
  let links = 0;
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const size = Number.parseInt(textAt(bytes, at + 124, 12).trim() || "0", 8);
    const name = longName ?? nameAt(bytes, at);
    const type = textAt(bytes, at + 156, 1);
    const content = () => textAt(bytes, at + BLOCK, size);
    longName = type === "L" ? content() : undefined;
    if (type === "2") links++;
    if (type === "0" || type === "") enter(directories, name, content());
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  const notes = links === 0 ? [] : [`${links} links are other names of these caches`];
  return { ...dumpOf("tar of /sys/kernel/slab", directories), notes };
}

export function readGrepped(text: string): Dump {
  const directories: Directories = new Map();
  for (const line of text.split("\n")) {
    const [, , cache, file, value] = GREPPED.exec(line) ?? [];
    if (cache !== undefined) enter(directories, `${cache}/${file}`, String(value));
  }
  return dumpOf("files of /sys/kernel/slab", directories);
}

/** The prefix stands apart, and is empty where the name suffices. */
function nameAt(bytes: Uint8Array, at: number): string {
  const [name, prefix] = [textAt(bytes, at, 100), textAt(bytes, at + 345, 155)];
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Up to the first NUL: files of sysfs are shorter than they say, and tar fills them up. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function enter(directories: Directories, path: string, content: string): void {
  const [, cache, file] = FILE_IN_CACHE.exec(path) ?? [];
  if (cache === undefined || file === undefined) return;
  const files = directories.get(cache) ?? new Map<string, string>();
  directories.set(cache, files.set(file, content.trim()));
}

function dumpOf(format: string, directories: Directories): Dump {
  const caches = [...directories].filter(([, files]) => NEEDED.every((file) => files.has(file)));
  const rows = caches.map(([name, files]) => rowOf(name, files));
  return { format, allocator: "slub", rows, unread: [] };
}

function rowOf(name: string, files: ReadonlyMap<string, string>): DumpRow {
  const number = (file: string) => Number.parseInt(files.get(file) ?? "", 10);
  const known = (field: keyof DumpRow, file: string) => {
    const value = number(file);
    return Number.isNaN(value) ? {} : { [field]: value };
  };
  const letters = [
    ["F", "sanity_checks"],
    ["Z", "red_zone"],
    ["P", "poison"],
    ["U", "store_user"],
    ["T", "trace"],
  ] as const;
  return {
    name,
    size: number("slab_size"),
    objectSize: number("object_size"),
    objectsPerSlab: number("objs_per_slab"),
    pagesPerSlab: 2 ** number("order"),
    ...known("active", "objects"),
    ...known("total", "total_objects"),
    ...known("slabs", "slabs"),
    ...known("align", "align"),
    debug: letters.flatMap(([letter, file]) => (number(file) === 1 ? [letter] : [])).join(""),
    ...(files.has("ctor") ? { ctor: files.get("ctor") !== "" } : {}),
  };
}
