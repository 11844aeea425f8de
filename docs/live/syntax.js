// Syntax: the kinds of words in Python's text, for colouring it.

const KEYWORDS = "False None True and as assert async await break class continue def del elif else except finally for "
  + "from global if import in is lambda nonlocal not or pass raise return try while with yield";
const STRINGS = [String.raw`"""[^]*?(?:"""|$)`, String.raw`'''[^]*?(?:'''|$)`, quoted('"'), quoted("'")].join("|");
const PATTERN = new RegExp(
  [
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<string>(?:\b[rbfRBF]{1,2})?(?:${STRINGS}))`,
    String.raw`(?<number>\b\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)`,
    String.raw`(?<keyword>\b(?:${KEYWORDS.replaceAll(" ", "|")})\b)`,
  ].join("|"),
  "g",
);

/** Return the lines of a text, each a list of [kind, piece]; the kind is "" for what has no colour. */
export function colouredLines(text) {
  const lines = [[]];
  const add = (kind, piece) =>
    piece.split("\n").forEach((part, i) => {
      if (i) lines.push([]);
      if (part) lines.at(-1).push([kind, part]);
    });
  let end = 0;
  for (const match of text.matchAll(PATTERN)) {
    add("", text.slice(end, match.index));
    add(Object.keys(match.groups).find((kind) => match.groups[kind] !== undefined), match[0]);
    end = match.index + match[0].length;
  }
  add("", text.slice(end));
  return lines;
}

function quoted(mark) {
  return String.raw`${mark}(?:\\.|[^${mark}\\\n])*${mark}?`;
}
