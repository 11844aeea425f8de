// The room for certification: an editor, the verdict on the layer in it, and its faults marked in the text.

import { packed, unpacked, write } from "./address.js";
import { Editor } from "./editor.js";
import { codeOf, EXAMPLES } from "./examples.js";
import { Stopped } from "./python.js";

const $ = (id) => document.getElementById(id);
const OWN = "your own code";

export class CertifyRoom {
  #editor = new Editor($("editor"), "Code of the layer");
  #opened = false;
  #ready = false;
  #busy = false;

  /** @param {Python} python @param {function} restart Stops Python and starts it again. */
  constructor(python, restart) {
    this.python = python;
    $("example").append(...Object.entries(EXAMPLES).map(([name, title]) => new Option(title, name)));
    $("example").append(new Option(OWN, ""));
    $("example").addEventListener("change", () => $("example").value && this.#take($("example").value));
    $("level").addEventListener("change", () => this.#write());
    $("run").addEventListener("click", () => this.#run());
    $("run").form.addEventListener("submit", (event) => event.preventDefault());
    $("stop").addEventListener("click", () => this.#stop(restart));
    this.#editor.area.addEventListener("input", () => this.#edited());
    this.#editor.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#run();
    });
  }

  async open({ example, code, level }) {
    if (level) $("level").value = level;
    if (code) this.#set(await unpacked(code).catch(() => ""), "");
    else if (example || !this.#opened) await this.#take(example in EXAMPLES ? example : Object.keys(EXAMPLES)[0]);
    else this.#write();
    this.#opened = true;
  }

  close() {}

  begin() {
    this.#ready = true;
    $("run").disabled = this.#busy;
  }

  async #take(name) {
    this.#set(await codeOf(name), name);
    await this.#write();
  }

  #set(code, example) {
    this.#editor.text = code;
    $("example").value = example;
    this.#clear("Change the code, then certify it.");
  }

  async #edited() {
    $("example").value = "";
    $("marks").replaceChildren();
    $("checks").replaceChildren();
    await this.#write();
  }

  async #write() {
    const { value: example } = $("example");
    const { text } = this.#editor;
    const code = example ? null : await packed(text);
    if (text !== this.#editor.text || $("certify").hidden) return; // edited or left meanwhile
    write("certify", { level: $("level").value, ...(example ? { example } : { code }) });
  }

  #clear(text) {
    $("verdict").className = "";
    $("verdict").textContent = text;
    $("marks").replaceChildren();
    $("checks").replaceChildren();
    $("report").hidden = $("printed-box").hidden = true;
  }

  async #run() {
    if (this.#busy || !this.#ready) return;
    this.#busy = true;
    $("run").disabled = true;
    $("stop").disabled = false;
    this.#clear("Certifying… The first time loads SciPy.");
    try {
      await this.python.load("scipy");
      this.#show(await this.python.ask("certification", "check", { code: this.#editor.text, level: $("level").value }));
    } catch (error) {
      this.#clear(error instanceof Stopped ? "Stopped." : error.message);
    }
    this.#busy = false;
    $("run").disabled = !this.#ready;
    $("stop").disabled = true;
  }

  async #stop(restart) {
    this.#ready = false;
    await restart();
  }

  #show({ outcome, report, printed, marks, checks, seconds }) {
    const lines = marks.map(({ line }) => line);
    const where = lines.length ? `, line ${[...new Set(lines)].join(" and ")}` : "";
    const passed = checks.filter(([, became]) => became === "PASS").length;
    const verdicts = {
      PASS: `Certified: ${passed} checks passed in ${seconds} s.`,
      FAIL: `Wrong${where}.`,
      UNVERIFIED: "Not verified: some checks could not reach a verdict.",
      ERROR: `The code raises an error${where}.`,
    };
    $("verdict").textContent = verdicts[outcome] ?? outcome;
    $("verdict").className = outcome === "PASS" ? "pass" : "fail";
    $("report").textContent = report;
    $("report").hidden = false;
    $("printed").textContent = printed;
    $("printed-box").hidden = !printed;
    this.#editor.marks = marks;
    $("marks").replaceChildren(...marks.map((mark) => this.#entry(mark)));
    $("checks").replaceChildren(
      ...checks.map(([name, became, reason]) => {
        const title = `${became.toLowerCase()}${reason && `: ${reason}`}`;
        return Object.assign(document.createElement("li"), { textContent: name, className: became, title });
      }),
    );
  }

  #entry({ line, text }) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: `Line ${line}: ${text}` });
    button.addEventListener("click", () => this.#editor.goTo(line));
    entry.append(button);
    return entry;
  }
}
