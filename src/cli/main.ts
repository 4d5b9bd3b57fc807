// SPDX-License-Identifier: GPL-2.0-only
/** The process `slablab`: runs the program on its command line, and watches over its output. */
import { complain, EXIT } from "./common.ts";
import { hasNoReader, run } from "./program.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (hasNoReader(error)) return;
    complain(`the answer cannot be written: ${error.message}`);
    process.exit(EXIT.INTERNAL);
  });
}

await run(process.argv.slice(2));
