/** Compares recorded geometry tables with our answers, row by row and column by column. */
import { type GeometryRequest, geometry } from "../../src/kernel/geometry.ts";
import { kernelOf, machineOf, oracleRuns, paramsOf, readOracle } from "./files.ts";

/** size, align, flags, ctor, then the kernel's answer; a lone null where it refused. */
type Row = [size: number, align: number, flags: number, ctor: 0 | 1, ...answer: (number | null)[]];

interface GeometryRecord {
  run: string;
  kernel: string;
  slab_cmdline: string[];
  cpus: string;
  columns: string[];
  rows: Row[];
}

/** Columns of a question: size, align, flags, ctor. Some runs also ask with a struct kmem_cache_args. */
const ASKED_OF_ALL = 4;

function argsOf(row: readonly number[]): GeometryRequest["args"] {
  const [sheaf_capacity, isUsed, freeptr_offset, usersize] = row.slice(ASKED_OF_ALL);
  const given = { sheaf_capacity, usersize };
  return isUsed === 1 ? { ...given, freeptr_offset } : given;
}

export function geometryRuns(allocator: "slub" | "slab"): string[] {
  return oracleRuns("geom").filter((run) => kernelOf(run).allocator === allocator);
}

export interface Comparison {
  rows: number;
  refused: number;
  /** One line a differing row: the question, and each column that differs. */
  differences: string[];
}

/** Asks all questions of a run again; `changes` asks other questions, to see the check fail. */
export function compareRun(run: string, changes: Partial<GeometryRequest> = {}): Comparison {
  const record = readOracle<GeometryRecord>("geom", run);
  const machine = { ...kernelOf(run), ...machineOf(record.cpus) };
  const params = paramsOf(record.slab_cmdline);
  const result: Comparison = { rows: 0, refused: 0, differences: [] };
  const asked = record.columns.indexOf(
    kernelOf(run).allocator === "slub" ? "slab_size" : "buf_size",
  );
  for (const row of record.rows) {
    const [size, align, flags, ctor] = row;
    const args = asked > ASKED_OF_ALL ? argsOf(row as number[]) : undefined;
    const answered = geometry({ ...machine, params, size, align, flags, ctor, args, ...changes });
    const answer = answered as unknown as Record<string, unknown>;
    const columns = record.columns.slice(0, row.length);
    const wrong = columns.filter(
      (column, i) => !column.startsWith("arg_") && answer[column] !== row[i],
    );
    const refused = row.length === asked + 1;
    if (refused !== "error" in answer) wrong.push("error");
    if (wrong.length > 0) {
      const seen = wrong.map((column) => `${column}=${answer[column]}`).join(" ");
      result.differences.push(`${JSON.stringify(row)}: ${seen}`);
    }
    result.rows++;
    if (refused) result.refused++;
  }
  return result;
}
