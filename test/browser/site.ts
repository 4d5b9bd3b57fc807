/** Pages and scripts served to a browser as isolated ones, so that they may share memory. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

export class Site {
  private readonly server: Server;
  private readonly texts = new Map<string, { type: string; body: string }>();

  constructor() {
    this.texts.set("/", { type: "text/html", body: "<!doctype html><title>slablab</title>" });
    this.server = createServer((request, response) => {
      const found = this.texts.get(request.url ?? "");
      response.writeHead(found === undefined ? 404 : 200, {
        ...HEADERS,
        "content-type": found?.type ?? "text/plain",
      });
      response.end(found?.body);
    });
  }

  /** Serves a module of the tree, with all that it imports. */
  async serve(name: string, module: URL): Promise<void> {
    const { outputFiles } = await build({
      entryPoints: [module.pathname],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2023",
    });
    this.texts.set(name, { type: "text/javascript", body: outputFiles[0]?.text ?? "" });
  }

  /** Returns the address. */
  async listen(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.close();
  }
}
