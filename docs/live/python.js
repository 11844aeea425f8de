// Python: the library in a worker. The page asks it for the functions of the rooms, and can stop it.

const here = (name) => new URL(name, import.meta.url).href;
const ROOMS = ["answer", "certification", "chapters", "playground", "points"];
const FILES = { "minidl.whl": here("minidl.whl") };
for (const room of ROOMS) FILES[`${room}.py`] = here(`rooms/${room}.py`);

/** Raised for what was under way when Python was stopped. */
export class Stopped extends Error {}

/** Return why Python cannot run in this browser, or null. */
export function obstacle() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly, or it is switched off.";
  if (typeof Worker !== "function") return "This browser has no web workers, or they are switched off.";
  return null;
}

export class Python {
  #worker = null;
  #waiting = new Map();
  #count = 0;
  #ready = null;

  /** @param {function(string)} report Told what is loaded next. */
  constructor(report) {
    this.report = report;
  }

  /** Start Python, unless it runs; the promise is kept once minidl can be imported. */
  start() {
    this.#ready ??= this.#begin();
    return this.#ready;
  }

  async #begin() {
    const reason = obstacle();
    if (reason) throw new Error(reason);
    this.#worker = new Worker(here("worker.js"), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message || "The worker could not be loaded."));
    };
    await this.#send({ task: "start", address: here("engine.js"), files: FILES });
    await this.#send({ task: "run", code: "from answer import answer" });
  }

  #send(message) {
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...message, id });
    });
  }

  #receive({ id, stage, value, error }) {
    if (stage) return this.report(stage);
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(value);
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** Make packages importable that minidl needs for some tasks only. */
  async load(...packages) {
    await this.start();
    await this.#send({ task: "load", packages });
  }

  /** Return what a function of a room returns for these arguments. */
  async ask(room, name, settings) {
    await this.start();
    const literal = JSON.stringify(JSON.stringify(settings)); // a string of JSON is one of Python, too
    const printed = await this.#send({ task: "run", code: `answer("${room}", "${name}", ${literal})` });
    const { value, error } = JSON.parse(printed);
    if (error) throw new Error(error);
    return value;
  }

  /** End Python at once, whatever it does; the next `start` begins anew. */
  stop() {
    this.#worker?.terminate();
    this.#ready = null;
    this.#fail(new Stopped("Python was stopped."));
  }
}
