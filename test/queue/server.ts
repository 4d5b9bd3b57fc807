/** A Redis or Valkey server of a test's own, and workers of the queue on it, as processes. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { checkout, started } from "../cli/commands.ts";

const isThere = (name: string): boolean => spawnSync(name, ["--version"]).error === undefined;

/** undefined: none is installed. */
export const serverProgram = ["redis-server", "valkey-server"].find(isThere);

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

export class Server {
  readonly url: string;
  /** Waits, as the queue does, until the server is there. */
  readonly client: Redis;
  private readonly port: number;
  private readonly folder = mkdtempSync(join(tmpdir(), "slablab-"));
  private readonly workers: ChildProcess[] = [];
  private process: ChildProcess;

  private constructor(port: number) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.process = this.start();
    this.client = new Redis(this.url, { maxRetriesPerRequest: null });
    this.client.on("error", () => {});
  }

  static async create(): Promise<Server> {
    const server = new Server(await freePort());
    await server.client.ping();
    return server;
  }

  private start(): ChildProcess {
    const log = [
      "--save",
      "",
      "--appendonly",
      "yes",
      "--dir",
      this.folder,
      "--loglevel",
      "warning",
    ];
    const words = ["--port", `${this.port}`, "--bind", "127.0.0.1", ...log];
    return spawn(serverProgram as string, words, { stdio: "ignore" });
  }

  /** As a machine goes that loses its power; then it comes back with what is on its disk. */
  async breakDown(): Promise<void> {
    await end(this.process, "SIGKILL");
    this.process = this.start();
    await this.client.ping();
  }

  /** A worker that is ready for jobs. */
  async worker(): Promise<ChildProcess> {
    const words = ["worker", "--queue", this.url, "--threads", "1", "--silent", "2"];
    const worker = started(words, [], checkout);
    this.workers.push(worker);
    await once(worker.stderr, "data");
    return worker;
  }

  /** Waits until so many jobs are running. */
  async running(jobs: number): Promise<void> {
    for (;;) {
      const keys = await this.client.keys("slablab:*:active");
      const counts = await Promise.all(keys.map((key) => this.client.llen(key)));
      if (counts.reduce((sum, count) => sum + count, 0) >= jobs) return;
    }
  }

  async endWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => end(worker, "SIGTERM")));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    this.client.disconnect();
    await end(this.process, "SIGKILL");
    rmSync(this.folder, { recursive: true });
  }
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
