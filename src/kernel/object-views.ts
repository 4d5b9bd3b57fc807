// SPDX-License-Identifier: GPL-2.0-only
/** Views of objects: of what kfree would take, aligned, and no longer than the object. */
import { ZERO_SIZE_PTR } from "../caches/kmalloc-sizes.ts";
import type { DirectMemory } from "../machine/direct-memory.ts";
import type { Address } from "../machine/memory.ts";
import { isInt32, named } from "../machine/option-check.ts";
import { elementBytes, type ViewClass } from "../machine/views.ts";
import { type Arguments, refuse } from "./arguments.ts";
import type { System } from "./system.ts";

export class ObjectViews {
  declare private readonly system: System;
  declare private readonly direct: DirectMemory;
  declare private readonly args: Arguments;

  constructor(system: System, direct: DirectMemory, args: Arguments) {
    this.system = system;
    this.direct = direct;
    this.args = args;
  }

  /** `call`: which call is refused. @throws KernelBug for what is no such object */
  of<V>(call: string, of: ViewClass<V>, object: Address, length?: number): V {
    return this.direct.view(of, object, this.bytes(call, object, elementBytes(of), length));
  }

  private bytes(call: string, object: Address, element: number, length?: number): number {
    if (!isInt32(object) || object <= ZERO_SIZE_PTR) {
      refuse(call, `${named(object)} is no object`);
    }
    // An element of a struct may be of any size; it is aligned as its largest field may be.
    if (object % Math.min(element & -element, 8) !== 0) {
      refuse(call, `${object} is no multiple of ${element & -element}`);
    }
    if (length === undefined) this.args.object(call, object);
    else this.args.count(call, "bytes", length);
    const bytes = length ?? this.system.viewableBytes(object);
    this.system.checkHeapObject(object, Math.max(bytes, length === undefined ? element : 0));
    return bytes;
  }
}
