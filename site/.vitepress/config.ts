// SPDX-License-Identifier: GPL-2.0-only
/** The site: the documents where they lie, the API as typedoc wrote it down, and two pages that run. */
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig } from "vitepress";
import { labFiles } from "./lab-files.ts";

const here = fileURLToPath(new URL("../", import.meta.url));
const root = join(here, "..");

/** A site below a path says so: `SITE_BASE=/slablab/`. */
const base = process.env.SITE_BASE ?? "/";

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};

const API: readonly [folder: string, entry: string][] = [
  ["kernel", "slablab"],
  ["explore", "slablab/explore"],
  ["laboratory", "slablab/laboratory"],
  ["testing/vitest", "slablab/vitest"],
  ["testing/node-test", "slablab/node-test"],
];

function apiSidebar(): DefaultTheme.SidebarItem[] {
  return API.map(([folder, text]) => ({
    text,
    link: `/api/${folder}/`,
    collapsed: true,
    items: readdirSync(join(here, "api", folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md") && !file.endsWith("index.md"))
      .toSorted()
      .map((file) => ({
        text: file.replace(/^.*\//, "").replace(".md", ""),
        link: `/api/${folder}/${file.replace(".md", "")}`,
      })),
  }));
}

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

const GUIDE: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      page("What slablab is", "/start"),
      page("What to read first", "/reading"),
      page("Playground", "/playground"),
      page("Stress in this browser", "/stress"),
    ],
  },
  {
    text: "The allocators",
    items: [
      page("SLUB", "/slub"),
      page("SLAB", "/slab"),
      page("SLUB and SLAB side by side", "/slab-and-slub"),
      page("Sheaves, SLUB since 6.18", "/sheaves"),
      page("Glossary", "/glossary"),
    ],
  },
  {
    text: "Exploring",
    items: [
      page("Your own code", "/your-own-code"),
      page("Scenarios, strategies, tokens", "/exploring"),
      page("Memory order", "/memory-order"),
      page("Found in packages", "/found"),
      page("Many machines", "/many-machines"),
    ],
  },
  {
    text: "Using the library",
    items: [
      page("Use it in your program", "/use"),
      page("What is exported", "/exports"),
      page("Threads that come and go", "/lifetimes"),
      page("RCU", "/rcu"),
      page("Hotplug", "/hotplug"),
      page("Debugging", "/debugging"),
      page("Performance", "/performance"),
    ],
  },
];

/** A document that no group names yet, by its heading. */
function others(): DefaultTheme.SidebarItem[] {
  const named = new Set(GUIDE.flatMap(({ items }) => items ?? []).map(({ link }) => link));
  return globSync("docs/*.md", { cwd: root })
    .map((file) => [file, `/${basename(file, ".md")}`] as const)
    .filter(([, link]) => link !== "/README" && !named.has(link))
    .map(([file, link]) => {
      const [, heading = link] = /^# (.*)/m.exec(readFileSync(join(root, file), "utf8")) ?? [];
      return page(heading, link);
    });
}

const PROJECT = {
  text: "The project",
  items: [
    ...others(),
    page("Contributing", "/CONTRIBUTING"),
    page("Changelog of the library", "/CHANGELOG"),
    page("Changelog of the commands", "/cli/CHANGELOG"),
  ],
};

export default defineConfig({
  title: "slablab",
  description:
    "The Linux slab allocators in TypeScript, run by real threads, explored step by step",
  base,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
  srcDir: "..",
  srcExclude: ["cli/README.md", "test/**", "examples/**", ".github/**"],
  rewrites: {
    "README.md": "start.md",
    "docs/README.md": "reading.md",
    "docs/:page": ":page",
    "site/pages/:page": ":page",
    "site/api/:path(.*)": "api/:path",
  },
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    config: (md) => {
      // Documents name each other from the folders they lie in; here they lie in one.
      md.core.ruler.push("one-folder", (state) => {
        for (const { children } of state.tokens) {
          for (const token of children ?? []) {
            const href = token.type === "link_open" ? token.attrGet("href") : null;
            if (href !== null)
              token.attrSet("href", href.replace(/^(\.\.\/|docs\/)(?=\w+\.md)/, "./"));
          }
        }
        return true;
      });
    },
  },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Guide", link: "/reading" },
      { text: "Playground", link: "/playground" },
      { text: "Stress", link: "/stress" },
      { text: "API", link: "/api/kernel/" },
    ],
    sidebar: { "/api/": apiSidebar(), "/": [...GUIDE, PROJECT] },
    outline: [2, 3],
  },
  vite: {
    publicDir: join(here, "public"),
    worker: { format: "es" },
    // The tree's own target is beyond what this compiler knows.
    esbuild: { tsconfigRaw: { compilerOptions: { target: "es2022" } } },
    plugins: [
      {
        name: "lab-files",
        configureServer(server) {
          let lab: ReturnType<typeof labFiles> | undefined;
          server.middlewares.use(`${base}lab/`, (request, response, next) => {
            const name = (request.url ?? "").replace(/^\/|\?.*$/g, "");
            lab ??= labFiles();
            const file = lab.get(name);
            if (file === undefined) return next();
            response.setHeader("content-type", TYPES[name.replace(/.*\./, "")] ?? "text/plain");
            response.end(file);
          });
        },
      },
    ],
    server: { fs: { allow: [root] } },
  },
  buildEnd({ outDir }) {
    for (const [name, content] of labFiles()) {
      const file = join(outDir, "lab", name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  },
});
