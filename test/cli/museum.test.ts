import { expect, test } from "vitest";
import { EXHIBITS, exhibit } from "../../src/museum/bugs/index.ts";
import { interruptedAt, slablab } from "./commands.ts";

test("the museum's catalogue lists every exhibit and marks unconfirmed commit ids", async () => {
  const { out, code } = await slablab(["museum"]);
  expect(code).toBe(0);
  for (const { id, title } of EXHIBITS) {
    expect(out).toContain(id);
    expect(out).toContain(title);
  }
  expect(out).toContain("commit 42d623a8cd08 (V1, id unconfirmed)");
  expect(out).toContain("commit eeaa345e1285 (V3)");
});

test("museum run --json has the fields that a checker reads", async () => {
  const { out, code } = await slablab(["museum", "run", "R04", "R03", "--json"]);
  expect(code).toBe(0);
  const { schema, exhibits } = JSON.parse(out);
  expect(schema).toBe("slablab/museum/1");
  expect(exhibits[0]).toMatchObject({
    id: "R04",
    commit: "73736e0387ba",
    year: 2011,
    era: "fixed",
    needs: "S",
    expect: "failure",
    found: true,
    class: "lost-object",
    preemptions: 1,
    fixedClean: true,
  });
  expect(exhibits[0].token).toMatch(/^v1:/);
  expect(exhibits[1]).toMatchObject({ id: "R03", expect: "clean", found: false, fixedClean: true });
});

test("replay takes an exhibit by its id", async () => {
  const { out } = await slablab(["museum", "run", "R01", "--json"]);
  const { token } = JSON.parse(out).exhibits[0];
  const replayed = await slablab(["replay", "R01", token]);
  expect(replayed.code).toBe(1);
  expect(replayed.out).toContain("FAILURE lost-object");
});

test("museum run --live meets an exhibit on real threads", async () => {
  const live = ["--live", "--seed", "1", "--seconds", "100"];
  const { out, code } = await slablab(["museum", "run", "R07", ...live, "--json"]);
  expect(code).toBe(0);
  const [met] = JSON.parse(out).exhibits;
  expect(met).toMatchObject({ id: "R07", found: true });
  expect(exhibit("R07")?.mutation?.expect).toContain(met.class);
  expect(met.operations).toBeGreaterThan(0);
  expect(met.seconds).toBeGreaterThan(0);
});

test("Ctrl-C ends museum run with the exhibits proven so far and exit code 130", async () => {
  const { out, code } = await interruptedAt(/1 of \d+ exhibits/, ["museum", "run", "--json"]);
  expect(code).toBe(130);
  const { interrupted, exhibits } = JSON.parse(out);
  expect(interrupted).toBe(true);
  expect(exhibits.length).toBeGreaterThanOrEqual(1);
  expect(exhibits.length).toBeLessThan(EXHIBITS.length);
  for (const { isProven } of exhibits) expect(isProven).toBe(true);
});

test("Ctrl-C ends museum run --live, and an exhibit that was cut short is not called unmet", async () => {
  const live = ["museum", "run", "S02", "--live", "--seconds", "250", "--seed", "1"];
  const { out, code } = await interruptedAt(/S02 on real threads/, live);
  expect(code).toBe(130);
  expect(out).toContain("interrupted: these are 0 of 1 exhibits");
  expect(out).not.toContain("not met by chance");
});
