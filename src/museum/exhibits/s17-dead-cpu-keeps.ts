import { type Exhibit, exhibitOf } from "../exhibit.ts";
import { S17 as mutation } from "../mutations/s17-dead-cpu-keeps.ts";
import { cpuOfflineFree } from "../scenarios/cpu-offline-free.ts";

export const S17: Exhibit = exhibitOf(mutation, {
  verification: null,

  needs: "X+hotplug",
  story: [
    "When a CPU went offline nobody flushed it.",
    "Its slabs stay frozen, so that frees into them reach no list and nobody allocates from them.",
    "Whoever takes the CPU down flushes it for every cache, once nobody runs there any more.",
  ],
  scenario: cpuOfflineFree,
  class: "stuck-frozen-slab",
  preemptions: 0,
});
