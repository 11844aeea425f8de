// The playground: settings, the loop that trains, and what is drawn of each frame.

import { write } from "./address.js";
import { draw, legend } from "./chart.js";
import { colour, diverged, onTheme } from "./colours.js";
import { bytesOf, context, picture } from "./heatmap.js";
import { NetworkView } from "./network.js";
import { Stopped } from "./python.js";

const MOST_UNITS = 16, MOST_LAYERS = 4, MOST_SCORES = 600;
const WEIGHTS_EVERY = 3; // pictures
const NUMBERS = ["noise", "rate", "strength", "dropout", "batch", "seed"];
const $ = (id) => document.getElementById(id);
const nextPicture = () => new Promise(requestAnimationFrame);
const decimals = (value) => value?.toFixed(4) ?? "not finite";
const percent = (value) => `${(100 * value).toFixed(1)} %`;

export class PlaygroundRoom {
  #form = $("settings");
  #begun = false;
  #playing = false;
  #setting = 0; // counts the starts: a frame of an earlier one is not drawn
  #problem = null;
  #frame = null;
  #scores = [];
  #cross = null;
  #probed = null;

  constructor(python) {
    this.python = python;
    this.network = new NetworkView($("network"), (name) => this.#show(name));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", () => this.#change());
    $("layers").addEventListener("change", () => this.#readLayers());
    $("more").addEventListener("click", () => this.#setLayers([...this.#layers(), 8].slice(0, MOST_LAYERS)));
    $("fewer").addEventListener("click", () => this.#setLayers(this.#layers().slice(0, -1)));
    this.#form.elements.speed.addEventListener("change", () => write("playground", this.#settings()));
    for (const slider of this.#sliders()) slider.addEventListener("input", () => showValue(slider));
    $("play").addEventListener("click", () => (this.#playing ? this.#pause() : this.#play()));
    $("step").addEventListener("click", () => this.#pause() || this.#once());
    $("reset").addEventListener("click", () => this.#start());
    $("shown").addEventListener("change", () => this.#drawMap());
    $("map").addEventListener("click", (event) => this.#probe(this.#place(event)));
    $("map").addEventListener("keydown", (event) => this.#steer(event));
    new ResizeObserver(() => this.#drawAll()).observe($("map"));
    onTheme(() => this.#drawAll());
  }

  /** Take the settings of an address; without any, all stays as it is. */
  open(settings) {
    for (const [name, value] of Object.entries(settings)) {
      const field = this.#form.elements[name];
      if (field) field.value = value;
      if (field?.selectedIndex === -1) field.selectedIndex = 0;
    }
    this.#sliders().forEach(showValue);
    this.#begun &&= Object.keys(settings).length === 0;
    this.#setLayers(this.#layers(), false);
    write("playground", this.#settings());
  }

  close() {
    this.#pause();
  }

  /** Python is there: draw the first picture. */
  begin() {
    for (const id of ["play", "step", "reset"]) $(id).disabled = false;
    if (!this.#begun || !this.#frame) this.#start();
    this.#begun = true;
  }

  #settings() {
    return Object.fromEntries(new FormData(this.#form));
  }

  #sliders() {
    return [...this.#form.elements].filter(({ type }) => type === "range");
  }

  #layers() {
    const found = this.#form.elements.hidden.value.split("-").map(Number);
    return found.filter((units) => units >= 1).map((units) => Math.min(MOST_UNITS, Math.floor(units)));
  }

  #setLayers(units, changes = true) {
    const fields = units.map((count, i) => {
      const field = document.createElement("input");
      field.ariaLabel = `Units in layer ${i + 1}`;
      Object.assign(field, { type: "number", min: 1, max: MOST_UNITS, value: count });
      return field;
    });
    $("layers").replaceChildren(...fields);
    $("fewer").disabled = units.length === 0;
    $("more").disabled = units.length === MOST_LAYERS;
    this.#form.elements.hidden.value = units.join("-");
    if (changes) this.#change();
  }

  #readLayers() {
    const counts = [...$("layers").children].map(({ value }) => Math.floor(value) || 1);
    this.#setLayers(counts.map((count) => Math.max(1, Math.min(MOST_UNITS, count))), false);
  }

  #change() {
    if (!this.#form.reportValidity()) return;
    write("playground", this.#settings());
    if (this.#begun) this.#start();
  }

  async #ask(name, settings) {
    const setting = this.#setting;
    try {
      const answer = await this.python.ask("playground", name, settings);
      return setting === this.#setting ? answer : null;
    } catch (error) {
      if (!(error instanceof Stopped)) this.#say(error.message, true);
      this.#pause();
      return null;
    }
  }

  #say(text, isTrouble = false) {
    $("count").textContent = text;
    $("count").classList.toggle("trouble", isTrouble);
  }

  async #start() {
    this.#pause();
    this.#setting += 1;
    const settings = this.#settings();
    delete settings.speed; // of the page alone
    for (const name of NUMBERS) settings[name] = Number(settings[name]);
    const problem = await this.#ask("start", { ...settings, hidden: this.#layers() });
    if (!problem) return;
    this.#problem = problem;
    this.#scores = [];
    this.#probed = null;
    $("probe").hidden = true;
    $("probe-summary").replaceChildren();
    this.network.build(problem, settings.activation);
    const names = ["output", ...problem.units.flatMap((_, i) => this.network.namesOf(i))];
    $("shown").replaceChildren(...names.map((name) => new Option(name)));
    this.#take(problem);
  }

  #play() {
    this.#playing = true;
    $("play").textContent = "Pause";
    this.#loop();
  }

  #pause() {
    this.#playing = false;
    $("play").textContent = "Train";
  }

  async #loop() {
    let [count, since] = [0, performance.now()];
    let coming = this.#ask("tick", { steps: this.#speed() });
    for (let frame = await coming; frame; frame = await coming) {
      coming = this.#playing ? this.#ask("tick", { steps: this.#speed() }) : null; // Python goes on while this is drawn
      count += 1;
      this.#take(frame, count % WEIGHTS_EVERY === 0 || !coming);
      await nextPicture();
      if (performance.now() - since > 1000) {
        $("count").dataset.rate = ((1000 * count) / (performance.now() - since)).toFixed(0);
        [count, since] = [0, performance.now()];
      }
    }
    delete $("count").dataset.rate;
  }

  #speed() {
    return Number(this.#form.elements.speed.value);
  }

  async #once() {
    const frame = await this.#ask("tick", { steps: 1 });
    if (frame) this.#take(frame);
  }

  #take(frame, withWeights = true) {
    this.#frame = { ...frame, units: frame.units.map(bytesOf), output: bytesOf(frame.output) };
    this.#scores.push([frame.step, frame.scores.train.loss, frame.scores.test.loss]); // null where not finite
    if (this.#scores.length > MOST_SCORES) this.#scores = this.#scores.filter((_, i) => i % 2 === 0);
    const { rate } = $("count").dataset;
    const speed = rate ? `, ${rate} pictures/s` : "";
    this.#say(`step ${frame.step}, epoch ${frame.epoch.toFixed(1)}, ${this.#problem.parameters} parameters${speed}`);
    this.#drawAll(withWeights);
  }

  #drawAll(withWeights = true) {
    if (!this.#frame || $("playground").hidden) return;
    this.network.draw(this.#frame, withWeights);
    this.#drawMap();
    this.#drawScores();
  }

  #drawScores() {
    const { train, test } = this.#frame.scores;
    const rows = [["", "training", "test"], ["loss", decimals(train.loss), decimals(test.loss)]];
    if (this.#problem.classifies) rows.push(["accuracy", percent(train.accuracy), percent(test.accuracy)]);
    const cell = (text, i) => Object.assign(document.createElement(i ? "dd" : "dt"), { textContent: text });
    $("scores").replaceChildren(...rows.flatMap((row) => row.map(cell)));
    const [x, training, testing] = [0, 1, 2].map((i) => this.#scores.map((score) => score[i]));
    const lines = [{ name: "training", x, y: training }, { name: "test", x, y: testing }];
    draw($("loss"), { lines, axes: { x: "steps", y: "loss" } });
    if (!$("loss-legend").children.length) $("loss-legend").replaceChildren(...legend(lines));
  }

  #show(name) {
    $("shown").value = name;
    this.#drawMap();
  }

  #drawMap() {
    if (!this.#frame) return;
    const name = $("shown").value;
    const { drawing, width } = context($("map"));
    const inner = this.network.unit(name, this.#frame);
    const { side, unit_side: unitSide, edge, points, targets, trained, classifies } = this.#problem;
    drawing.drawImage(inner ? picture(inner, unitSide) : picture(this.#frame.output, side), 0, 0, width, width);
    const place = ([x, y]) => [(0.5 + x / (2 * edge)) * width, (0.5 - y / (2 * edge)) * width];
    points.forEach((point, i) => {
      const style = diverged(classifies ? 255 * targets[i] : 127.5 * (1 + targets[i]));
      (i < trained ? circle : square)(drawing, place(point), 3, style, colour("ink"));
    });
    if (this.#probed) circle(drawing, place(this.#probed.point), 7, null, colour("ink"));
    if (this.#cross) cross(drawing, place(this.#cross));
    this.network.mark(name);
  }

  #place({ offsetX, offsetY }) {
    const { edge } = this.#problem;
    const width = $("map").clientWidth;
    this.#cross = null;
    return [(2 * offsetX) / width - 1, 1 - (2 * offsetY) / width].map((value) => edge * value);
  }

  #steer(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.#problem || !(event.key in moves || event.key === "Enter")) return;
    event.preventDefault();
    const [x, y] = this.#cross ?? this.#probed?.point ?? [0, 0];
    if (event.key === "Enter") return this.#probe([x, y]);
    const { edge } = this.#problem;
    this.#cross = moves[event.key].map((move, i) => Math.max(-edge, Math.min(edge, [x, y][i] + 0.15 * move)));
    this.#drawMap();
  }

  async #probe([x, y]) {
    if (!this.#problem) return;
    this.#pause();
    const probed = await this.#ask("probe", { x, y });
    if (!probed) return;
    this.#probed = probed;
    const where = probed.point.map((value) => value.toFixed(2)).join(", ");
    const said = this.#problem.classifies
      ? `class ${probed.target}, and the model gives class 1 a probability of ${probed.output.toFixed(3)}`
      : `target ${probed.target.toFixed(3)}, and the model says ${probed.output.toFixed(3)}`;
    const more = Object.assign(document.createElement("button"), { type: "button", textContent: "All numbers" });
    more.addEventListener("click", () => $("probe-title").focus());
    $("probe-summary").replaceChildren(`The nearest sample is at (${where}): ${said}.`, more);
    $("probe-text").textContent = probed.text;
    $("probe").hidden = false;
    this.#drawMap();
  }
}

/** Write the value of a slider after it. */
function showValue(slider) {
  slider.parentElement.dataset.value = slider.value;
}

function circle(drawing, [x, y], radius, fill, stroke) {
  drawing.beginPath();
  drawing.arc(x, y, radius, 0, 2 * Math.PI);
  if (fill) {
    drawing.fillStyle = fill;
    drawing.fill();
  }
  drawing.lineWidth = fill ? 0.8 : 3;
  drawing.strokeStyle = stroke;
  drawing.stroke();
}

function square(drawing, [x, y], half, fill, stroke) {
  drawing.fillStyle = fill;
  drawing.strokeStyle = stroke;
  drawing.lineWidth = 0.8;
  drawing.fillRect(x - half, y - half, 2 * half, 2 * half);
  drawing.strokeRect(x - half, y - half, 2 * half, 2 * half);
}

function cross(drawing, [x, y]) {
  drawing.strokeStyle = colour("ink");
  drawing.lineWidth = 2;
  drawing.beginPath();
  for (const [dx, dy] of [[9, 0], [0, 9]]) {
    drawing.moveTo(x - dx, y - dy);
    drawing.lineTo(x + dx, y + dy);
  }
  drawing.stroke();
}
