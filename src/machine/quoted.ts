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
 * A whole message as it may be written to a terminal. It keeps its lines. The last resort for messages
 * that quote without this file: a word much longer than a quotation is cut like one.
 */
export function printable(message: string): string {
  return message
    .replace(/\S{300,}/gu, quoted)
    .replace(UNPRINTABLE, (character) =>
      character === "\n" || character === "\t" ? character : escaped(character),
    );
}
