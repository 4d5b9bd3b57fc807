import { test } from "vitest";
import { SUBJECTS } from "../../stress/scaling/subjects/index.ts";
import { expectPassing } from "../scale/passing.ts";

/** The engine's own memory is that of one thread. */
const shared = [...SUBJECTS.keys()].filter((name) => name !== "heap");

test.each(shared)("%s passes objects between threads", expectPassing);
