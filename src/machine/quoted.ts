// SPDX-License-Identifier: MIT
/** Other people's text in our messages: short, and with nothing in it that a terminal obeys. */

const MOST = 200;

/** Controls, invisible format characters such as those that turn the direction of writing, halves. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

/** The text for a message: at most 200 characters, what cannot be printed as `\u{1b}`. */
export function quoted(text: string): string {
  const shown = text.slice(0, MOST).replace(UNPRINTABLE, escaped);
  if (text.length <= MOST && shown.length <= MOST) return shown;
  return `${shown.slice(0, MOST - 1)}…`;
}

/**
 * A whole message as it may be written to a terminal. It keeps its lines. What is quoted in it without
 * this file is cut here: `words` of the command line, and whatever else is much longer than a quotation.
 */
export function printable(message: string, words: readonly string[] = []): string {
  let text = message;
  for (const word of words) {
    if (word.length > MOST) text = text.replaceAll(word, quoted(word));
  }
  return text
    .replace(/\S{300,}/gu, quoted)
    .replace(UNPRINTABLE, (character) =>
      character === "\n" || character === "\t" ? character : escaped(character),
    );
}
