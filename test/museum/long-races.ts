/** Scenarios whose search for data races takes as long as dozens of others: `npm run test:soak` has them. */
export const LONG_RACES = [
  "cpu-goes",
  "node-goes",
  "sheaves-cpu-offline",
  "slab-cpu-offline",
  "slab-node-offline",
  "slab-reap-aliens",
  "two-callers",
];
