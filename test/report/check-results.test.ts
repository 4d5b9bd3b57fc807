import { expect, test } from "vitest";
import { annotations } from "../../src/report/annotations.ts";
import type { CheckResult } from "../../src/report/check-result.ts";
import { junitXml } from "../../src/report/junit.ts";

const results: CheckResult[] = [
  { name: "fine", seconds: 1.5 },
  {
    name: 'a "b" <c>',
    seconds: 0.25,
    file: "my,file:1.ts",
    failure: {
      class: "lost-object",
      message: "50 % & <lost>\nfor good\u0001",
      again: "slablab replay x",
    },
  },
  { name: "short", seconds: 0, unproven: "not complete" },
];

test("JUnit XML counts the results, and escapes what XML cannot hold", () => {
  expect(junitXml("explore", results)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="slablab explore" tests="3" failures="1" errors="0" skipped="1" time="1.750">
    <testcase classname="slablab explore" name="fine" time="1.500"/>
    <testcase classname="slablab explore" name="a &quot;b&quot; &lt;c&gt;" file="my,file:1.ts" time="0.250">
      <failure type="lost-object" message="50 % &amp; &lt;lost&gt;&#10;for good\u{fffd}">slablab replay x</failure>
    </testcase>
    <testcase classname="slablab explore" name="short" time="0.000">
      <skipped message="not complete"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});

test("annotations are one line for each result that did not pass, with file and escapes", () => {
  expect(annotations("explore", results)).toBe(
    `::error file=my%2Cfile%3A1.ts,title=slablab explore a "b" <c>%3A lost-object::50 %25 & <lost>%0Afor good\u0001%0Aslablab replay x
::warning title=slablab explore short::not complete
`,
  );
});
