import { SLAB_CONSISTENCY_CHECKS } from "../../src/caches/flags.ts";
import type { KmemCachePtr } from "../../src/caches/kmem-cache.ts";
import { type AuditFinding, audit } from "../../src/check/audit.ts";
import { Ledger, ledgerBytes } from "../../src/check/ledger.ts";
import { withLedger } from "../../src/check/with-ledger.ts";
import { boot, type Kernel, MIB, systemOf, threadOf } from "../../src/kernel/kernel.ts";
import type { Address } from "../../src/machine/memory.ts";
import { TorturedMemory } from "../../src/machine/tortured-memory.ts";
import { noWitness } from "../../src/machine/witness.ts";
import { __GFP_THISNODE, __GFP_ZERO, GFP_ATOMIC, GFP_KERNEL } from "../../src/pages/gfp.ts";
import { Random } from "../../stress/random.ts";

const MEMORY = 32 * MIB;
const RATES = { interrupts: 0.01, migrations: 0.004, delays: 0 };

interface Held {
  readonly s: KmemCachePtr;
  readonly object: Address;
}

/** Without a clock: a run is a function of its seed. */
class RepeatableMemory extends TorturedMemory {
  override getCycles(): number {
    return this.random();
  }
}

/**
 * One task on three CPUs of two nodes does everything that there is to do with sheaves, while at any
 * access an interrupt may come that does likewise, or the task be moved, or memory be refused.
 */
export class TorturedRun {
  readonly kernel: Kernel;
  private readonly memory: RepeatableMemory;
  private readonly random: Random;
  private readonly caches: readonly KmemCachePtr[];
  private readonly held: Held[] = [];
  /** Objects of the interrupt's. */
  private readonly pool: Held[] = [];

  constructor(seed: number) {
    this.random = new Random(seed, 0);
    const nothing = { times: 0 };
    this.kernel = boot(
      {
        kernel: "7.1",
        cpus: 3,
        nodes: 2,
        memory: MEMORY,
        checker: ledgerBytes(MEMORY),
        failSlab: nothing,
        failPages: nothing,
        parameters: { slab_nomerge: true },
      },
      { memoryClass: RepeatableMemory, change: withLedger },
    );
    systemOf(this.kernel).machine.witness = noWitness;
    this.memory = threadOf(this.kernel) as RepeatableMemory;
    this.memory.onInterrupt = () => this.interrupt();
    const { kernel } = this;
    this.caches = [
      kernel.kmemCacheCreate("few", 4000),
      kernel.kmemCacheCreate("usual", 256),
      kernel.kmemCacheCreate("raised", 1500, { sheafCapacity: 14 }),
      kernel.kmemCacheCreate("checked", 300, { flags: SLAB_CONSISTENCY_CHECKS }),
    ];
  }

  /** The findings of the audits, of which there is one every so many steps. */
  run(steps: number): AuditFinding[] {
    const { memory, kernel } = this;
    const findings: AuditFinding[] = [];
    kernel.debug.failSlab?.arm({ probability: 0.02 });
    kernel.debug.failPages?.arm({ probability: 0.2 });
    kernel.run(() => {
      for (let step = 0; step < steps && findings.length === 0; step++) {
        if (step % 200 === 0) {
          findings.push(...this.audit());
          memory.torture(RATES, step + 1);
        }
        this.step();
      }
    });
    kernel.debug.failSlab?.disarm();
    kernel.debug.failPages?.disarm();
    findings.push(...this.audit());
    for (const { s, object } of [...this.held, ...this.pool]) kernel.kmemCacheFree(s, object);
    kernel.rcuBarrier();
    const left = this.caches.filter((s) => kernel.kmemCacheDestroy(s) !== 0);
    if (left.length > 0) throw new Error(`${left.length} caches keep objects`);
    return findings;
  }

  /** Interrupts and preemptions so far. */
  get events(): number {
    const { interrupts, preemptions } = this.memory.injected;
    return interrupts + preemptions;
  }

  private audit(): AuditFinding[] {
    this.memory.disable();
    systemOf(this.kernel).machine.rcu.barrier();
    const { common } = systemOf(this.kernel);
    return audit(systemOf(this.kernel), { ledger: new Ledger(common) });
  }

  private anyCache(): KmemCachePtr {
    return this.caches[this.random.below(this.caches.length)] as KmemCachePtr;
  }

  private gfp(): number {
    const gfp = this.random.chance(0.3) ? GFP_ATOMIC : GFP_KERNEL;
    return this.random.chance(0.1) ? gfp | __GFP_ZERO : gfp;
  }

  private step(): void {
    const { random, held, kernel } = this;
    const s = this.anyCache();
    const many = 1 + random.below(60);
    const draw = random.below(100);
    if (draw < 25) this.allocate(s, many);
    else if (draw < 45) this.free(many);
    else if (draw < 57) this.burst(s);
    else if (draw < 65) this.kfreeRcu(many);
    else if (draw < 72) this.allocateBulk(s, many, held, this.gfp());
    else if (draw < 80) this.freeBulk(s, many, held);
    else if (draw < 86) this.prefill(s);
    else if (draw < 88) kernel.kmemCacheShrink(s);
    else if (draw < 90) kernel.rcuBarrier();
    else if (draw < 92) kernel.cpuDown(2);
    else if (draw < 94) kernel.cpuUp(2);
    else this.createAndDestroy();
    while (held.length > 1500) this.free(1);
  }

  private allocate(s: KmemCachePtr, count: number): void {
    const { random, kernel } = this;
    for (let i = 0; i < count; i++) {
      const node = random.chance(0.8) ? -1 : random.below(2);
      const only = node >= 0 && random.chance(0.3) ? __GFP_THISNODE : 0;
      const object = kernel.kmemCacheAllocNode(s, this.gfp() | only, node);
      if (object !== 0) this.held.push({ s, object });
    }
  }

  private free(count: number): void {
    for (let i = 0; i < count && this.held.length > 0; i++) {
      const { s, object } = this.random.pluck(this.held);
      this.kernel.kmemCacheFree(s, object);
    }
  }

  /** More than the barn will have of one cache. */
  private burst(s: KmemCachePtr): void {
    const { kernel } = this;
    const objects = Array.from({ length: 200 }, () => kernel.kmemCacheAlloc(s));
    for (const object of objects) if (object !== 0) kernel.kmemCacheFree(s, object);
  }

  private kfreeRcu(count: number): void {
    for (let i = 0; i < count && this.held.length > 0; i++) {
      this.kernel.kfreeRcu(this.random.pluck(this.held).object);
    }
  }

  private allocateBulk(s: KmemCachePtr, count: number, into: Held[], gfp: number): void {
    const objects: Address[] = [];
    this.kernel.kmemCacheAllocBulk(s, count, objects, gfp);
    into.push(...objects.map((object) => ({ s, object })));
  }

  private freeBulk(s: KmemCachePtr, count: number, from: Held[]): void {
    const going = from.filter((each) => each.s === s).slice(0, count);
    if (going.length === 0) return;
    for (const each of going) from.splice(from.indexOf(each), 1);
    const objects = going.map(({ object }) => object);
    const asOne = this.random.chance(0.8) ? s : 0;
    if (asOne === 0) objects.push(...this.largeBlock());
    this.kernel.kmemCacheFreeBulk(asOne, objects.length, objects);
  }

  /** Pages that kmalloc has given, if it has. */
  private largeBlock(): Address[] {
    const block = this.kernel.kmalloc(10_000, GFP_ATOMIC);
    return block === 0 ? [] : [block];
  }

  private prefill(s: KmemCachePtr): void {
    const { random, kernel } = this;
    let sheaf = kernel.kmemCachePrefillSheaf(s, 1 + random.below(40), this.gfp());
    if (sheaf === 0) return;
    for (let i = random.below(30); i > 0; i--) {
      const object = kernel.allocFromSheaf(s, sheaf);
      if (object !== 0) this.held.push({ s, object });
    }
    if (random.chance(0.5)) sheaf = kernel.refillSheaf(s, sheaf, 1 + random.below(40)) || sheaf;
    kernel.returnSheaf(s, sheaf);
  }

  private createAndDestroy(): void {
    const { kernel, random } = this;
    const s = kernel.kmemCacheCreate("short-lived", 100 + random.below(3000));
    if (s === 0) return;
    const object = kernel.kmemCacheAlloc(s);
    if (object !== 0) kernel.kmemCacheFree(s, object);
    if (kernel.kmemCacheDestroy(s) !== 0) throw new Error("a cache without objects stays");
  }

  /** Interrupts are off. */
  private interrupt(): void {
    const { random, pool } = this;
    const s = this.anyCache();
    for (let i = 1 + random.below(6); i > 0; i--) this.interruptStep(s, random.below(7));
    while (pool.length > 150) this.kernel.kfreeNolock(random.pluck(pool).object);
  }

  private interruptStep(s: KmemCachePtr, draw: number): void {
    const { kernel, random, pool } = this;
    if (draw === 0) this.keep(s, kernel.kmemCacheAlloc(s, GFP_ATOMIC));
    else if (draw === 1) {
      this.keep(s, systemOf(kernel).allocator.sheafCalls?.allocNolock(s, 0, -1) ?? 0);
    } else if (draw === 2) this.allocateBulk(s, 1 + random.below(10), pool, GFP_ATOMIC);
    else if (draw === 3) this.freeBulk(s, 12, pool);
    else if (pool.length > 0) {
      const each = random.pluck(pool);
      if (draw === 4) kernel.kmemCacheFree(each.s, each.object);
      else if (draw === 5) kernel.kfreeNolock(each.object);
      else kernel.kfreeRcu(each.object);
    }
  }

  private keep(s: KmemCachePtr, object: Address): void {
    if (object !== 0) this.pool.push({ s, object });
  }
}
