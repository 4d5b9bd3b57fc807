import { expect, test } from "vitest";
import { WorkerThread } from "../../stress/worker-thread.ts";

const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A thread that answers which of Node's own modules it has loaded. */
const ANSWERS = `
  import { workerData } from "node:worker_threads";
  import { expose } from ${module("../../node_modules/comlink/dist/esm/comlink.mjs")};
  import { endpointOf } from ${module("../../stress/endpoint.ts")};
  expose({ modules: () => process.moduleLoadList }, endpointOf(workerData.port));
`;

test("a thread that is called does not load Node's client of HTTP", async () => {
  const url = new URL(`data:text/javascript,${encodeURIComponent(ANSWERS)}`);
  const thread = new WorkerThread<{ modules(): Promise<string[]> }>(url, {});
  const modules = await thread.ask(async (api) => api.modules());
  expect(modules).toContain("NativeModule internal/worker/io");
  expect(modules.filter((name) => name.includes("undici"))).toEqual([]);
  await thread.close();
});
