// SPDX-License-Identifier: GPL-2.0-only
/**
 * A generated program, as the choices it is made of. The matrix has every program of two contexts
 * with one kind each; beyond it a program is random, or one that showed something new, changed in
 * one choice.
 */
import type { RandomStream } from "../../explore/random.ts";
import type { SlabContext, SlabScenario } from "../scenario.ts";
import type { Step } from "../steps.ts";
import type { Habitat } from "./habitat.ts";
import { type Hand, type Kind, kindsOf } from "./kinds.ts";
import { type HeldObjects, type State, statesOf } from "./states.ts";

/** Where a context runs. */
interface Place {
  readonly cpu: number;
  readonly kind: "task" | "interrupt";
  readonly migrates: boolean;
}

const place = (cpu: number, more: Partial<Place> = {}): Place => ({
  cpu,
  kind: "task",
  migrates: false,
  ...more,
});

/** The first context is a task on CPU 0, where the objects of set-up come from. */
const FIRST = place(0);
const OTHERS = [
  place(1),
  place(0),
  place(0, { kind: "interrupt" }),
  place(0, { migrates: true }),
  place(1, { kind: "interrupt" }),
] as const;

export interface Genome {
  readonly habitat: number;
  readonly state: number;
  /** Objects are dealt to the contexts one by one, or in runs of so many. */
  readonly deal: number;
  readonly contexts: readonly { readonly place: Place; readonly kinds: readonly number[] }[];
}

/** One habitat with all that can be chosen there. */
interface Room {
  readonly habitat: Habitat;
  readonly states: readonly State[];
  readonly kinds: readonly Kind[];
  /** Numbers of the kinds in the matrix; and of all kinds, each as often as its weight says. */
  readonly core: readonly number[];
  readonly drawn: readonly number[];
}

const DEALS = [1, 2];
/** A step through the matrix that visits cells far apart; made coprime with its size. */
const STRIDE = 0.618;

export class Genomes {
  private readonly rooms: readonly Room[];
  private readonly random: RandomStream;

  constructor(habitats: readonly Habitat[], random: RandomStream) {
    this.rooms = habitats.map((habitat) => {
      const kinds = kindsOf(habitat);
      return {
        habitat,
        states: statesOf(habitat.machine),
        kinds,
        core: [...kinds.keys()].filter((at) => (kinds[at] as Kind).weight > 1),
        drawn: kinds.flatMap(({ weight }, at) => Array.from({ length: weight }, () => at)),
      };
    });
    this.random = random;
  }

  // ---- the matrix ----

  /** Programs of the matrix: two contexts with one kind each. */
  get cells(): number {
    return this.rooms.reduce((sum, room) => sum + cellsOf(room), 0);
  }

  /** Each number up to `cells` is another cell; neighbours in number are far apart. */
  cell(index: number): Genome {
    const { cells } = this;
    let at = (index * strideOf(cells)) % cells;
    const habitat = this.rooms.findIndex((room) => {
      if (at < cellsOf(room)) return true;
      at -= cellsOf(room);
      return false;
    });
    const { states, core } = this.rooms[habitat] as Room;
    const digit = (base: number): number => {
      const value = at % base;
      at = Math.floor(at / base);
      return value;
    };
    const first = core[digit(core.length)] as number;
    const second = core[digit(core.length)] as number;
    const other = OTHERS[digit(OTHERS.length)] as Place;
    const state = digit(states.length);
    const deal = DEALS[digit(DEALS.length)] as number;
    const contexts = [
      { place: FIRST, kinds: [first] },
      { place: other, kinds: [second] },
    ];
    return { habitat, state, deal, contexts };
  }

  // ---- beyond it ----

  /** Two contexts, seldom three, with one or two kinds each. */
  any(): Genome {
    const { random } = this;
    const habitat = random.below(this.rooms.length);
    const { states, drawn } = this.rooms[habitat] as Room;
    const count = 2 + (random.below(6) === 0 ? 1 : 0);
    const contexts = Array.from({ length: count }, (_, at) => ({
      place: at === 0 ? FIRST : this.otherPlace(),
      kinds: Array.from({ length: 1 + random.below(2) }, () => this.oneOf(drawn)),
    }));
    const deal = this.oneOf(DEALS);
    return { habitat, state: random.below(states.length), deal, contexts };
  }

  /** `genome` with one choice made anew. */
  changed(genome: Genome): Genome {
    const { random } = this;
    const { states, drawn } = this.rooms[genome.habitat] as Room;
    const which = random.below(genome.contexts.length);
    const inContext = (change: (context: Genome["contexts"][number]) => object): Genome => ({
      ...genome,
      contexts: genome.contexts.map((context, at) =>
        at === which ? { ...context, ...change(context) } : context,
      ),
    });
    switch (random.below(4)) {
      case 0:
        return { ...genome, state: random.below(states.length) };
      case 1:
        return which === 0 ? genome : inContext(() => ({ place: this.otherPlace() }));
      case 2:
        return inContext((context) => ({ kinds: [...context.kinds, this.oneOf(drawn)] }));
      default:
        return inContext(({ kinds: own }) => {
          const at = random.below(own.length);
          return { kinds: own.map((one, i) => (i === at ? this.oneOf(drawn) : one)) };
        });
    }
  }

  private otherPlace(): Place {
    return this.oneOf(OTHERS);
  }

  private oneOf<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)] as T;
  }

  // ---- as a scenario ----

  /** The program; undefined: its choices do not go together. */
  scenario(genome: Genome, name: string): SlabScenario | undefined {
    const { habitat, states, kinds } = this.rooms[genome.habitat] as Room;
    const { isTypesafe, ...machine } = habitat.machine;
    const { setup, held } = states[genome.state] as State;
    const chosenOf = (own: readonly number[]): Kind[] => own.map((kind) => kinds[kind] as Kind);
    const taking = genome.contexts.map(({ kinds }) => chosenOf(kinds).some(({ takes }) => takes));
    const hands = handsOf(held, taking, genome.deal);
    const contexts: SlabContext[] = [];
    let takesCpu = false;
    for (const [at, { place, kinds: own }] of genome.contexts.entries()) {
      const chosen = chosenOf(own);
      if (place.kind === "interrupt" && chosen.some(({ sleeps }) => sleeps)) return undefined;
      takesCpu ||= chosen.some((kind) => kind.takesCpu);
      const perKind = chosen.map((kind) => kind.operations(hands[at] as Hand) ?? [[]]);
      if (perKind.flat().some((steps) => steps.length === 0)) return undefined;
      // An interrupt does all that its kind is in one go.
      const isInterrupt = place.kind === "interrupt";
      const operations = isInterrupt ? perKind.map((steps) => steps.flat()) : perKind.flat();
      contexts.push({ name: LETTERS[at] as string, ...place, operations });
    }
    if (takesCpu && contexts.some(({ migrates }) => migrates)) return undefined;
    if (!isTypesafe && looksInVain(contexts)) return undefined;
    return { name, story: "", machine, setup, contexts, endsEmpty: "shrunk" };
  }
}

/** A reader of objects that no other context gives to kfree_rcu: it may find them gone. */
function looksInVain(contexts: readonly SlabContext[]): boolean {
  const steps = contexts.flatMap(({ operations }) => operations.flat());
  const has = (verb: Step["verb"]): boolean => steps.some((step) => step.verb === verb);
  return has("rcu-look") && !has("kfree-rcu");
}

const LETTERS = ["A", "B", "C"];

const cellsOf = ({ states, core }: Room): number =>
  core.length ** 2 * OTHERS.length * states.length * DEALS.length;

function strideOf(cells: number): number {
  let stride = Math.floor(cells * STRIDE);
  while (greatestDivisor(stride, cells) !== 1) stride++;
  return stride;
}

function greatestDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestDivisor(other, one % other);
}

/**
 * Deals the held objects in turn, in runs of `deal`, to the contexts that take any; the others may look
 * at them.
 */
function handsOf(held: readonly HeldObjects[], taking: readonly boolean[], deal: number): Hand[] {
  const takers = [...taking.keys()].filter((at) => taking[at]);
  const all = held.flatMap(({ name, numbers }) => numbers.map((number) => ({ name, number })));
  const turnOf = (index: number): number | undefined =>
    takers[Math.floor(index / deal) % takers.length];
  const refer = ({ name, number }: HeldObject): string => `${name}.${number}`;
  return taking.map((_, at) => {
    const own = all.filter((_, i) => turnOf(i) === at);
    const others = all.filter((_, i) => turnOf(i) !== at);
    let names = 0;
    return {
      object: () => {
        const object = own.shift();
        return object === undefined ? undefined : refer(object);
      },
      pair: () => {
        const first = own.findIndex(({ name, number }, i) => {
          const next = own[i + 1];
          return next?.name === name && next.number === number + 1;
        });
        if (first < 0) return undefined;
        const [object] = own.splice(first, 2);
        return object === undefined ? undefined : `${refer(object)}-${object.number + 1}`;
      },
      other: () => {
        const object = others.shift();
        return object === undefined ? undefined : refer(object);
      },
      name: () => `${"xyz"[at]}${names++}`,
    };
  });
}

interface HeldObject {
  readonly name: string;
  readonly number: number;
}
