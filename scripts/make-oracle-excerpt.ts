/**
 * Makes `test/oracle/excerpt/` from the whole collection of real kernels' answers:
 * `node scripts/make-oracle-excerpt.ts`. Geometry tables are thinned, of the traces of a run the
 * shortest are kept, everything else is kept whole; numbers are copied, never computed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { COLLECTIONS } from "../test/oracle/files.ts";
import { TRACE_FOLDERS } from "../test/oracle/traces.ts";

const from = fileURLToPath(new URL("../../shared/oracle/", import.meta.url));
const to = fileURLToPath(new URL("../test/oracle/excerpt/", import.meta.url));

type Row = (number | null)[];

/** Creations that fail are few, except where a run asks for them. */
const MOST_REFUSED = 12;

/**
 * One row for each combination of align, flags and ctor, and some spread over the sizes. A refused
 * creation's answer is one null.
 */
function thin(rows: Row[], wanted: number): Row[] {
  const kept = new Set<Row>(rows.filter((row) => row.at(-1) === null).slice(0, MOST_REFUSED));
  const kinds = new Set<string>();
  for (const row of rows) {
    const kind = row.slice(1, 4).join();
    if (!kinds.has(kind) && kept.size < wanted / 2) kept.add(row);
    kinds.add(kind);
  }
  const stride = Math.ceil(rows.length / (wanted - kept.size));
  for (let i = 0; i < rows.length; i += stride) kept.add(rows[i] as Row);
  return rows.filter((row) => kept.has(row));
}

function onePerLine(record: Record<string, unknown>): string {
  const lines = Object.entries(record).map(([key, value]) => {
    const items = Array.isArray(value) && Array.isArray(value[0]) ? value : undefined;
    const text = items
      ? `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`
      : JSON.stringify(value);
    return `${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The folders of that name, emptied in the excerpt, one of each collection that has it. */
function foldersOf(name: string): string[] {
  const folders = COLLECTIONS.map((collection) => `${collection}${name}`);
  const present = folders.filter((folder) => existsSync(`${from}${folder}`));
  for (const folder of present) {
    rmSync(`${to}${folder}`, { recursive: true, force: true });
    mkdirSync(`${to}${folder}`, { recursive: true });
  }
  return present;
}

function readRecord(path: string) {
  const bytes = readFileSync(path);
  return JSON.parse(`${path.endsWith(".gz") ? gunzipSync(bytes) : bytes}`);
}

for (const kind of ["geom", "kmalloc", "merge", "dump", "published"]) {
  for (const folder of foldersOf(kind)) {
    for (const name of readdirSync(`${from}${folder}`)) {
      const record = readRecord(`${from}${folder}/${name}`);
      if (kind === "geom") record.rows = thin(record.rows, 30);
      writeFileSync(`${to}${folder}/${name.replace(/\.gz$/, "")}`, onePerLine(record));
    }
  }
}

const TRACES_A_RUN = 2;

interface TraceRecord {
  traces: object[];
}

for (const folder of TRACE_FOLDERS.flatMap(foldersOf)) {
  for (const name of readdirSync(`${from}${folder}`)) {
    if (!name.includes(".json")) continue;
    const record: TraceRecord = readRecord(`${from}${folder}/${name}`);
    const byLength = record.traces
      .map((trace) => JSON.stringify(trace).length)
      .sort((a, b) => a - b);
    const limit = byLength[TRACES_A_RUN - 1] ?? Number.POSITIVE_INFINITY;
    record.traces = record.traces.filter((trace) => JSON.stringify(trace).length <= limit);
    const text = gzipSync(JSON.stringify(record), { level: 9 });
    writeFileSync(`${to}${folder}/${name.replace(/\.gz$/, "")}.gz`, text);
  }
}
