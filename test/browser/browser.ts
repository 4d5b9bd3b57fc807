/** The browsers of this system: Chromium, driven by playwright-core, and Firefox, by puppeteer-core. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { launch } from "puppeteer-core";

const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FIREFOX_NAMES = ["firefox-esr", "firefox"];

/** A busy machine may take long to start one. */
const LAUNCH_TIMEOUT_MS = 120_000;

/** What both drivers know of a page. */
export interface AnyPage {
  goto(address: string): Promise<unknown>;
  addScriptTag(script: { url: string; type: string }): Promise<unknown>;
  waitForFunction(expression: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface AnyBrowser {
  newPage(): Promise<AnyPage>;
  close(): Promise<unknown>;
}

/** The one that `variable` of the environment names, else the first on the PATH. */
function find(variable: "CHROMIUM" | "FIREFOX", names: readonly string[]): string | undefined {
  const named = process.env[variable];
  if (named) return named;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Where Firefox lies; undefined: it is not installed. */
export const firefoxPath = find("FIREFOX", FIREFOX_NAMES);

/** @throws Error that says how to install one where there is none. */
export function launchChromium(): Promise<Browser> {
  const executablePath = find("CHROMIUM", CHROMIUM_NAMES);
  if (executablePath === undefined) {
    throw new Error(
      "no Chromium found; set CHROMIUM or install one (Debian: apt install chromium)",
    );
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: LAUNCH_TIMEOUT_MS });
}

export function launchFirefox(executablePath: string): Promise<AnyBrowser> {
  return launch({
    browser: "firefox",
    executablePath,
    timeout: LAUNCH_TIMEOUT_MS,
    protocolTimeout: LAUNCH_TIMEOUT_MS,
  });
}
