// SPDX-License-Identifier: GPL-2.0-only
/** The modules of the laboratory, which come to the page in one file. */
export interface Laboratory {
  /** Where its files lie. */
  readonly at: URL;
  /** From where the module at this path of the tree can be imported. */
  addressOf(path: string): string;
  /** The text of a file at this path of the tree, or undefined. */
  textOf(path: string): string | undefined;
}

/** The file: module and text, each module behind those that it imports by `lab:PATH`; then other texts. */
export interface Pack {
  readonly modules: readonly (readonly [path: string, text: string])[];
  readonly texts: Readonly<Record<string, string>>;
}
