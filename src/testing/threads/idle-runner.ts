// SPDX-License-Identifier: MIT
/**
 * A file of tests, loaded where no test runner is: its tests are defined and not run. Functions of
 * `vitest` and `node:test` that define something do nothing, but groups, which hold definitions.
 */
import nodeModule from "node:module";

/** As source, since it has to re-export what the real runner has besides: `expect`, `vi`, `mock`. */
const IDLE = `
const idle = (does) => {
  const self = new Proxy(() => {}, {
    get: (known, name) => known[name] ?? (name === "then" ? undefined : self),
    apply: (_, __, given) => (given.forEach(does), self),
  });
  return self;
};
const group = idle((given) => typeof given === "function" && given());
const nothing = idle(() => {});
export { group as describe, group as suite };
${["test", "it", "bench", "before", "after", "beforeAll", "afterAll", "beforeEach", "afterEach", "default"].map((name) => `export { nothing as ${name} };`).join("")}`;

/** @throws Error on a Node that is too old. */
export function idleRunners(): void {
  if (nodeModule.registerHooks === undefined) {
    throw new Error(`mode "threads" needs Node 22.15 or later, not ${process.versions.node}`);
  }
  nodeModule.registerHooks({
    resolve(specifier, context, next) {
      const real = next(specifier, context);
      if (!["vitest", "node:test"].includes(specifier)) return real;
      if (context.parentURL?.startsWith("data:")) return real;
      const source = `export * from ${JSON.stringify(real.url)};${IDLE}`;
      return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true };
    },
  });
}
