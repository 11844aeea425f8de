// The network: a column for the inputs, each hidden layer and the output, a small map for each unit, a line for each
// weight.

import { colour } from "./colours.js";
import { context, picture } from "./heatmap.js";

const LARGEST = 40, SMALLEST = 14;

export class NetworkView {
  #home;
  #columns = [];
  #boxes = null; // where the units are; null when they may have moved
  #side = 0;
  #inputs = [];

  /** @param {HTMLElement} home @param {function(string)} show Called with the name of a unit whose map is wanted. */
  constructor(home, show) {
    this.#home = home;
    home.addEventListener("pointerover", ({ target }) => target.dataset.name && show(target.dataset.name));
    home.addEventListener("pointerleave", () => show("output"));
    new ResizeObserver(() => (this.#boxes = null)).observe(home);
  }

  /** Return the names of the units of a hidden layer, counted from 0. */
  namesOf(layer) {
    return this.#columns[layer + 1].map(({ dataset }) => dataset.name);
  }

  /** Lay out the columns of a model. */
  build({ unit_side: side, weights }, activation) {
    this.#side = side;
    this.#inputs = [ramp(side, (column) => column), ramp(side, (_, row) => side - 1 - row)];
    const widths = [2, ...weights.map((W) => W[0].length)];
    const name = (layer, i) => (layer === widths.length - 1 ? "output" : `layer ${layer}, unit ${i + 1}`);
    this.#columns = widths.map((width, layer) =>
      Array.from({ length: width }, (_, i) => {
        const canvas = document.createElement("canvas");
        if (layer) canvas.dataset.name = name(layer, i);
        canvas.title = layer ? name(layer, i) : `x[${i}]`;
        return canvas;
      }),
    );
    const edges = Object.assign(document.createElement("canvas"), { className: "edges" });
    const columns = this.#columns.map((units, layer) => {
      const column = Object.assign(document.createElement("div"), { className: "column" });
      const caption = layer === 0 ? "inputs" : layer === weights.length ? "output" : `${units.length} ${activation}`;
      const heading = Object.assign(document.createElement("span"), { className: "caption", textContent: caption });
      column.append(heading, ...units);
      return column;
    });
    this.#boxes = null;
    this.#home.replaceChildren(edges, ...columns);
    this.#home.setAttribute("role", "img");
    this.#home.setAttribute("aria-label", `Network of ${widths.join(", ")} units, and the map of each`);
  }

  /** Return the map of a unit by its name, or undefined for the output. */
  unit(name, { units }) {
    const [layer, number] = (name.match(/\d+/g) ?? []).map(Number);
    const size = this.#side ** 2;
    return layer && units[layer - 1].subarray((number - 1) * size, number * size);
  }

  /** Draw the maps of a frame, and its weights if wanted: they take longest, and change slowly. */
  draw(frame, withWeights) {
    const most = Math.max(...this.#columns.map((units) => units.length));
    const unit = Math.min(LARGEST, Math.max(SMALLEST, this.#home.clientHeight / most - 3), this.#home.clientWidth / 9);
    this.#home.style.setProperty("--unit", `${unit}px`);
    this.#columns.forEach((units, layer) =>
      units.forEach((canvas, i) => {
        const outputs = Math.round(Math.sqrt(frame.output.length));
        if (layer === 0) picture(this.#inputs[i], this.#side, canvas);
        else if (layer === this.#columns.length - 1) picture(frame.output, outputs, canvas);
        else picture(this.unit(canvas.dataset.name, frame), this.#side, canvas);
      }),
    );
    if (withWeights) this.#drawWeights(frame.weights);
  }

  #drawWeights(weights) {
    const { drawing } = context(this.#home.querySelector(".edges"));
    this.#boxes ??= this.#columns.map((units) => units.map((canvas) => box(canvas, this.#home)));
    const boxes = this.#boxes;
    const styles = [colour("class-0"), colour("class-1")];
    weights.forEach((W, layer) => {
      const largest = Math.max(1e-9, ...W.flat().map(Math.abs));
      W.forEach((row, i) =>
        row.forEach((w, j) => {
          const size = Math.abs(w) / largest;
          const [from, to] = [boxes[layer][i], boxes[layer + 1][j]];
          const [x, y, u, v] = [from.right, from.middle, to.left, to.middle];
          drawing.globalAlpha = 0.08 + 0.8 * size ** 1.5;
          drawing.lineWidth = 0.5 + 3 * size;
          drawing.strokeStyle = styles[w > 0 ? 1 : 0];
          drawing.beginPath();
          drawing.moveTo(x, y);
          drawing.bezierCurveTo((x + u) / 2, y, (x + u) / 2, v, u, v);
          drawing.stroke();
        }),
      );
    });
  }

  /** Mark the unit whose map is shown large. */
  mark(name) {
    for (const canvas of this.#columns.flat()) canvas.classList.toggle("shown", canvas.dataset.name === name);
  }
}

function box(canvas, home) {
  const [inner, outer] = [canvas.getBoundingClientRect(), home.getBoundingClientRect()];
  const middle = (inner.top + inner.bottom) / 2 - outer.top;
  return { left: inner.left - outer.left, right: inner.right - outer.left, middle };
}

function ramp(side, along) {
  return Uint8Array.from({ length: side * side }, (_, i) => (255 * along(i % side, Math.floor(i / side))) / (side - 1));
}
