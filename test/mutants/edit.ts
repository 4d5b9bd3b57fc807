/** The kinds of slips, and what one of each does. */
export const KINDS = {
  count: "a count is not kept, or is another's",
  event: "an event is not counted, or counted as another",
  forgotten: "objects, slabs, sheaves or CPUs are forgotten",
  interrupts: "interrupts are on where they must be off",
  lifetime: "memory goes before its readers have",
  limit: "a list, an array or a sheaf has more than its limit",
  list: "an entry is not linked, not taken off, or on another list",
  lock: "a lock is not taken, taken late, or held too long",
  node: "another node, or another cache, is taken",
  order: "a step is done before the one that it needs",
  owner: "a slab, or an object, has two owners or none",
  swap: "a swap that failed is taken for done, or compares too little",
  waiting: "a waiter is not woken, or does not wait",
  window: "what was found before others could run is trusted after it",
} as const;

/** An edit of the source's text; it must fit its file exactly once. */
export interface Edit {
  readonly name: string;
  readonly kind: keyof typeof KINDS;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
