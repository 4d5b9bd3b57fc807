/** Caches are created and destroyed with slab_mutex taken before CPUs and memory are held still. */
import { onCommon } from "../../../src/kernel/classes.ts";
import type { Mutation } from "../../../src/laboratory/mutation.ts";
import { holdOff } from "../../../src/machine/hotplug-lock.ts";
import { mutexLock } from "../../../src/machine/mutex.ts";

export const slabMutexFirst: Mutation = {
  id: "X10",
  title: "slab_mutex is taken before cpu_hotplug_lock",
  commit: null,
  year: null,
  expect: ["lock-order"],
  change: onCommon((classes) => ({
    SlabCommon: class extends classes.SlabCommon {
      protected override lockCaches(): void {
        mutexLock(this.memory, this.slabMutex);
        holdOff(this.memory, this.cpuHotplugLock);
        holdOff(this.memory, this.memHotplugLock);
        holdOff(this.memory, this.memcgCacheIdsLock);
      }
    },
  })),
};
