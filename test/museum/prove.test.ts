import { describe, expect, test } from "vitest";
import { onSlub } from "../../src/kernel/classes.ts";
import { EXHIBITS, exhibit } from "../../src/museum/bugs/index.ts";
import type { Exhibit } from "../../src/museum/exhibit.ts";
import { mutations } from "../../src/museum/mutations.ts";
import { prove } from "../../src/museum/prove.ts";

/** Seconds for one preemption more; the command gives each exhibit its share of 200. */
const SHARE_SECONDS = 0.2;

function known(id: string): Exhibit {
  const found = exhibit(id);
  if (found === undefined) throw new RangeError(`no exhibit ${id}`);
  return found;
}

describe("the museum", () => {
  test.each(EXHIBITS.map((one) => [one.id, one] as const))(
    "%s fails as its catalogue says, and its fixed source is clean to the same bound",
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

  test("every mutation is shown", () => {
    const shown = new Set(EXHIBITS.map(({ mutation }) => mutation?.id));
    expect([...mutations.keys()].filter((id) => !shown.has(id))).toEqual([]);
  });

  test("each tells its story in three sentences and says where it is known from", () => {
    for (const { id, story, verification } of EXHIBITS) {
      expect(story.every((sentence) => /^\S.*[.]$/.test(sentence))).toBe(true);
      expect(verification === null).toBe(id.startsWith("S"));
    }
  });
});

describe("the proof", () => {
  const harmless = { ...(mutations.get("R04") as NonNullable<Exhibit["mutation"]>) };
  harmless.change = (classes) => classes;

  test("refuses a mutation that changes nothing", () => {
    const proof = prove({ ...known("R04"), mutation: harmless }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: false, fixedClean: true });
  });

  test("refuses a fixed source that fails", () => {
    const { mutation } = known("R04");
    const base = mutation?.change ?? null;
    const proof = prove({ ...known("R04"), base }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: true, fixedClean: false });
  });

  test("refuses another class, or another number of preemptions", () => {
    expect(prove({ ...known("R04"), class: "deadlock" }, SHARE_SECONDS).isProven).toBe(false);
    expect(prove({ ...known("R04"), preemptions: 2 }, SHARE_SECONDS).isProven).toBe(false);
  });

  test("refuses an exhibit that must stay clean and does not", () => {
    const proof = prove({ ...known("R04"), class: null }, SHARE_SECONDS);
    expect(proof).toMatchObject({ isProven: false, found: true });
  });
});

test("R02 stays hidden where R01 is mended", () => {
  const { mutation } = known("R02");
  const unseeded = { ...known("R02"), era: "fixed" as const, class: null };
  const onlyBulk = {
    ...(mutation as NonNullable<Exhibit["mutation"]>),
    change: onSlub((classes) => ({
      Bulk: class extends classes.Bulk {
        protected override bumpBeforeSlowPath(): void {}
      },
    })),
  };
  expect(prove({ ...unseeded, mutation: onlyBulk }, SHARE_SECONDS).isProven).toBe(true);
});
