/** The system's Chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A busy machine may take long to start one. */
const LAUNCH_TIMEOUT_MS = 120_000;

/** The one that CHROMIUM names, else the first on the PATH. */
function findChromium(): string | undefined {
  const { CHROMIUM, PATH = "" } = process.env;
  if (CHROMIUM) return CHROMIUM;
  const folders = PATH.split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** @throws Error that says how to install one where there is none. */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new Error(
      "no Chromium found; set CHROMIUM or install one (Debian: apt install chromium)",
    );
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: LAUNCH_TIMEOUT_MS });
}
