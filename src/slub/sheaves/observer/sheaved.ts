// SPDX-License-Identifier: GPL-2.0-only
/** What watchers need of an allocator to see its sheaves, whatever lies below them. */
import type { Front } from "../../front.ts";
import type { SheafSlub } from "../slub.ts";

export type Sheaved = { readonly front: Pick<Front, "flushThisCpu"> } & Pick<
  SheafSlub,
  | "context"
  | "freePointers"
  | "nodePartial"
  | "sheaves"
  | "sheafLock"
  | "barns"
  | "deferredFrees"
  | "prefill"
  | "rcuSheaves"
>;
