/**
 * Preloaded (`node --import`): makes the edit of the mutant that SLABLAB_MUTANT names, in whichever
 * thread loads its file.
 */
import { registerHooks } from "node:module";
import { MUTANTS } from "./mutants.ts";

const mutant = MUTANTS.find(({ name }) => name === process.env.SLABLAB_MUTANT);
if (mutant === undefined) throw new Error(`no mutant ${process.env.SLABLAB_MUTANT}`);
const { file, from, to } = mutant;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${file}`)) return loaded;
    const text = String(loaded.source);
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${file} has the text ${parts.length - 1} times`);
    return { ...loaded, source: parts.join(to) };
  },
});
