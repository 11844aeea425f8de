// The room for the chapters: sliders, and the figure that the library computes for them.

import { write } from "./address.js";
import { draw, legend } from "./chart.js";
import { onTheme } from "./colours.js";
import { FIGURES } from "./figures.js";
import { Stopped } from "./python.js";

const $ = (id) => document.getElementById(id);

export class ChaptersRoom {
  #name = Object.keys(FIGURES)[0];
  #chart = null;
  #busy = false;
  #again = false; // a slider has moved since the figure was asked for

  constructor(python) {
    this.python = python;
    $("figure").append(...Object.entries(FIGURES).map(([name, { title }]) => new Option(title, name)));
    $("figure").addEventListener("change", () => this.#choose($("figure").value, {}));
    $("figure-form").addEventListener("submit", (event) => event.preventDefault());
    $("sliders").addEventListener("input", () => this.#moved());
    new ResizeObserver(() => this.#draw()).observe($("chart"));
    onTheme(() => this.#draw());
  }

  open({ figure, ...values }) {
    const known = figure in FIGURES;
    if (known || !$("sliders").children.length) this.#choose(known ? figure : this.#name, values);
    else this.#write();
  }

  close() {}

  begin() {
    this.#compute();
  }

  #choose(name, values) {
    this.#name = name;
    this.#chart = null;
    const { claim, sliders, page } = FIGURES[name];
    $("figure").value = name;
    $("claim").textContent = claim;
    $("chapter-link").href = `../course/${page}.html`;
    $("sliders").replaceChildren(...sliders.map((slider) => field(slider, values[slider.name])));
    this.#moved();
  }

  #moved() {
    for (const slider of FIGURES[this.#name].sliders) {
      const input = $(`slider-${slider.name}`);
      const value = valueOf(slider);
      const text = slider.shown?.(value) ?? String(+value.toPrecision(2));
      input.nextElementSibling.textContent = text;
      input.setAttribute("aria-valuetext", text);
    }
    this.#write();
    this.#compute();
  }

  #write() {
    const values = FIGURES[this.#name].sliders.map(({ name }) => [name, $(`slider-${name}`).value]);
    write("chapters", { figure: this.#name, ...Object.fromEntries(values) });
  }

  async #compute() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const name = this.#name;
    const settings = Object.fromEntries(FIGURES[name].sliders.map((slider) => [slider.name, valueOf(slider)]));
    try {
      const chart = await this.python.ask("chapters", name, settings);
      if (name === this.#name) this.#take(chart);
    } catch (error) {
      if (!(error instanceof Stopped)) $("chart-text").textContent = error.message;
    }
    this.#busy = false;
    if (this.#again) {
      this.#again = false;
      this.#compute();
    }
  }

  #take(chart) {
    this.#chart = chart;
    $("chart").classList.toggle("square", Boolean(chart.map));
    $("chart-text").textContent = chart.text;
    $("chart-legend").replaceChildren(...legend(chart.lines));
    this.#draw();
  }

  #draw() {
    if (this.#chart && !$("chapters").hidden) draw($("chart"), this.#chart);
  }
}

function valueOf({ name, scale = (value) => value }) {
  return scale(Number($(`slider-${name}`).value));
}

function field({ name, label, min, max, step, value }, chosen) {
  const made = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", id: `slider-${name}` });
  Object.assign(input, { min, max, step });
  input.value = chosen ?? value;
  made.append(`${label} `, input, document.createElement("output"));
  return made;
}
