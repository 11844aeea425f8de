// Editor: a text area over its own coloured text, with line numbers and marks on lines.

import { colouredLines } from "./syntax.js";

export class Editor {
  #marks = new Map();

  /** @param {HTMLElement} home Becomes the editor. @param {string} label Its accessible name. */
  constructor(home, label) {
    home.className = "editor";
    home.innerHTML = `<pre class="numbers" aria-hidden="true"></pre>
      <div class="sheet"><pre class="coloured" aria-hidden="true"></pre>
      <textarea wrap="off" spellcheck="false" autocapitalize="off" autocomplete="off"></textarea></div>`;
    [this.numbers, this.coloured] = home.querySelectorAll("pre");
    this.area = home.querySelector("textarea");
    this.area.setAttribute("aria-label", label);
    this.area.addEventListener("input", () => {
      this.#marks.clear(); // they are about another text
      this.#draw();
    });
    this.area.addEventListener("scroll", () => this.#scroll());
    this.area.addEventListener("keydown", (event) => this.#indent(event));
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.#marks.clear();
    this.#draw();
  }

  /** Mark lines: a list of {line, text}, counted from 1. */
  set marks(marks) {
    this.#marks = new Map(marks.map(({ line, text }) => [line, text]));
    this.#draw();
  }

  /** Put the cursor on a line. */
  goTo(line) {
    const before = this.text.split("\n").slice(0, line - 1).join("\n").length;
    const start = line > 1 ? before + 1 : 0;
    this.area.focus();
    this.area.setSelectionRange(start, start);
    const height = this.area.scrollHeight / this.text.split("\n").length;
    this.area.scrollTop = (line - 1) * height - this.area.clientHeight / 2;
  }

  #draw() {
    const rows = colouredLines(this.text).map((pieces, i) => this.#row(pieces, i + 1));
    this.coloured.replaceChildren(...rows.flatMap((row) => [row, "\n"]));
    const numbers = rows.map((_, i) => element("span", this.#marks.has(i + 1) ? "marked" : "", String(i + 1)));
    this.numbers.replaceChildren(...numbers.flatMap((number) => [number, "\n"]));
    this.#scroll();
  }

  #row(pieces, line) {
    const row = element("span", "row", "");
    row.append(...pieces.map(([kind, text]) => element("span", kind, text)));
    if (!this.#marks.has(line)) return row;
    row.classList.add("marked");
    row.append(element("span", "note", `← ${this.#marks.get(line)}`));
    return row;
  }

  #scroll() {
    this.coloured.scrollTo(this.area.scrollLeft, this.area.scrollTop);
    this.numbers.scrollTop = this.area.scrollTop;
  }

  /** On Enter, begin the new line as deep as this one, deeper after a colon. Tab leaves the editor. */
  #indent(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
    const line = this.text.slice(0, this.area.selectionStart).split("\n").at(-1);
    const depth = line.match(/^ */)[0] + (/:\s*(#.*)?$/.test(line) ? "    " : "");
    if (!depth) return;
    event.preventDefault();
    this.area.setRangeText(`\n${depth}`, this.area.selectionStart, this.area.selectionEnd, "end");
    this.area.dispatchEvent(new Event("input"));
  }
}

function element(tag, kind, text) {
  const made = document.createElement(tag);
  made.className = kind;
  made.textContent = text;
  return made;
}
