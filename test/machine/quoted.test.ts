import { expect, test } from "vitest";
import { printable, quoted } from "../../src/machine/quoted.ts";

test("a quotation has at most 200 characters", () => {
  expect(quoted("x".repeat(200))).toBe("x".repeat(200));
  expect(quoted("x".repeat(201))).toBe(`${"x".repeat(199)}…`);
  expect(quoted("\u001b".repeat(5_000_000))).toHaveLength(200);
});

test.each([
  ["\u001b[31mred", "\\u{1b}[31mred"],
  ["a\nb\tc\0", "a\\u{a}b\\u{9}c\\u{0}"],
  ["\u009b1m \u202e \u2028 \ud800", "\\u{9b}1m \\u{202e} \\u{2028} \\u{d800}"],
  ["plain, ä and 語", "plain, ä and 語"],
])("%j is quoted as %s", (text, shown) => {
  expect(quoted(text)).toBe(shown);
});

test("a message keeps its lines, and what is long in it is cut", () => {
  expect(printable("one\n  two\u001b[2J")).toBe("one\n  two\\u{1b}[2J");
  expect(printable(`no ${"x".repeat(1000)} here`)).toBe(`no ${"x".repeat(199)}… here`);
  const words = "a b ".repeat(300);
  expect(printable(`no scenario ${words}; name one`, [words])).toBe(
    `no scenario ${words.slice(0, 199)}…; name one`,
  );
});
