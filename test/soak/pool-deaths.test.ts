/** Users of a pool that are ended at random moments: the figures of docs/lifetimes.md. */
import { expect, test } from "vitest";
import { expectHealing, FORMS, type Form, USES } from "../kernel/deaths.ts";

const DEATHS = 200;

test.each(
  (Object.keys(FORMS) as Form[]).flatMap((form) => USES.map((use) => [form, use] as const)),
)("pools of %s survive 200 users that are ended at %s", async (form, use) => {
  const endings = await expectHealing(DEATHS, form, use);
  console.log(form, use, endings);
  expect(Object.values(endings).reduce((a, b) => a + b)).toBe(DEATHS);
});
