import { describe, expect, test } from "vitest";
import type { Mutation } from "../../src/laboratory/mutation.ts";
import { EXHIBITS, exhibit } from "../../src/museum/bugs/index.ts";
import { R02, withoutBump } from "../../src/museum/bugs/r02-bulk-no-bump.ts";
import type { Exhibit } from "../../src/museum/exhibit.ts";
import { mutations } from "../../src/museum/mutations.ts";
import { prove } from "../../src/museum/prove.ts";

/** Seconds for one preemption more; the command gives each exhibit its share of 200. */
const SHARE_SECONDS = 0.02;

function known(id: string): Exhibit {
  const found = exhibit(id);
  if (found === undefined) throw new RangeError(`no exhibit ${id}`);
  return found;
}

describe("the museum", () => {
  test.each(EXHIBITS.map((one) => [one.id, one] as const))(
    "%s fails as the catalogue says, and its fixed source is clean to the same bound",
    (_, one) => {
      const proof = prove(one, SHARE_SECONDS);
      expect(proof).toMatchObject({
        isProven: true,
        found: one.class !== null,
        class: one.class,
        preemptions: one.class === null ? null : one.preemptions,
        fixedClean: true,
      });
      expect(proof.fixedBound).toBeGreaterThanOrEqual(one.preemptions);
    },
  );

  test("an exhibit and its mutation are found by its id and by its alias", () => {
    expect([exhibit("S01")?.id, mutations.get("S01")?.id]).toEqual(["R07", "R07"]);
    const ids = EXHIBITS.flatMap(({ id, alias }) => (alias === null ? [id] : [id, alias]));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(EXHIBITS.filter(({ mutation }) => mutation !== null))(
    "the failure that $id shows is one that its mutation expects",
    ({ class: shown, mutation }) => {
      const { expect: expected = [] } = mutation ?? {};
      expect(expected).toEqual(expect.arrayContaining(shown === null ? [] : [shown]));
      expect(expected.length > 0).toBe(shown !== null);
    },
  );

  test("every exhibit tells its story in three sentences and names its source", () => {
    for (const { id, story, verification } of EXHIBITS) {
      expect(story.every((sentence) => /^\S.*[.]$/.test(sentence))).toBe(true);
      expect(verification === null).toBe(id.startsWith("S"));
    }
  });
});

describe("the proof", () => {
  const harmless = { ...(mutations.get("R04") as Mutation) };
  harmless.change = (classes) => classes;

  test("a mutation that changes nothing is not proven", () => {
    const proof = prove({ ...known("R04"), mutation: harmless }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: false, fixedClean: true });
  });

  test("an exhibit whose fixed source fails is not proven", () => {
    const { mutation } = known("R04");
    const base = mutation?.change ?? null;
    const proof = prove({ ...known("R04"), base }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: true, fixedClean: false });
  });

  test("a failure of another class or with other preemptions is not proven", () => {
    expect(prove({ ...known("R04"), class: "deadlock" }, SHARE_SECONDS).isProven).toBe(false);
    expect(prove({ ...known("R04"), preemptions: 2 }, SHARE_SECONDS).isProven).toBe(false);
  });

  test("refuses an exhibit that must stay clean and does not", () => {
    const proof = prove({ ...known("R04"), class: null }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: true });
  });
});

test("R02 is harmless where R01 is fixed", () => {
  const mutation = { ...(R02.mutation as Mutation), change: withoutBump };
  const unseeded = { ...R02, mutation, era: "fixed", class: null } as const;
  expect(prove(unseeded, SHARE_SECONDS).isProven).toBe(true);
});
