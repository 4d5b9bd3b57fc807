// SPDX-License-Identifier: GPL-2.0-only
/** Text as it stands in a page, in elements and in attributes. */
export function html(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
