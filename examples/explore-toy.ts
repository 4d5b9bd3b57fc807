/** Explores the toy and the toy without one precaution each: `node examples/explore-toy.ts`. */
import { explore } from "../src/explore/explore.ts";
import { KeepsTid, ToySlub, TrustsTid, WithoutTid } from "./toy-slub.ts";
import {
  allocAgainstInterrupt,
  freeAgainstAlloc,
  migratingFree,
  type ToyClass,
  type ToyScenario,
} from "./toy-world.ts";

function tell(scenario: (of: ToyClass) => ToyScenario, of: ToyClass): void {
  const search = { strategy: "bound", preemptions: 2, schedules: 200_000 } as const;
  const { name, ...rest } = scenario(of);
  const { failure, schedules } = explore({ name, ...rest, search });
  const answer =
    failure === undefined
      ? `all ${schedules} schedules pass`
      : `${failure.class} with ${failure.preemptions} preemptions`;
  console.log(`${name.padEnd(24)} ${of.name.padEnd(12)} ${answer}`);
}

for (const [scenario, broken] of [
  [allocAgainstInterrupt, WithoutTid],
  [freeAgainstAlloc, KeepsTid],
  [migratingFree, TrustsTid],
] as const) {
  tell(scenario, ToySlub);
  tell(scenario, broken);
}
