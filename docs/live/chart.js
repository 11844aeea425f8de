// Chart: lines over axes, or over a heat map.

import { colour } from "./colours.js";
import { context, picture } from "./heatmap.js";

const LEFT = 44, RIGHT = 20, TOP = 24, BOTTOM = 34;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/**
 * Draw a chart on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{lines: {name: string, x: number[], y: number[]}[], axes: object, map?: object, rule?: number}} chart
 *     `axes` has the labels `x` and `y` and may fix `y_range`; `rule` is the place of a vertical line.
 */
export function draw(canvas, { lines, axes, map, rule }) {
  const { drawing, width, height } = context(canvas);
  const xRange = map?.range ?? extent(lines.flatMap(({ x }) => x));
  const yRange = map?.range ?? axes.y_range ?? extent([0, ...lines.flatMap(({ y }) => y)]);
  const x = (value) => LEFT + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (width - LEFT - RIGHT);
  const y = (value) => height - BOTTOM - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (height - TOP - BOTTOM);
  drawing.font = "12px system-ui, sans-serif";
  if (map) {
    drawing.imageSmoothingEnabled = true;
    const corner = [x(xRange[0]), y(yRange[1])];
    drawing.drawImage(picture(map.values, map.side), ...corner, x(xRange[1]) - corner[0], y(yRange[0]) - corner[1]);
  }
  frame(drawing, { xRange, yRange, x, y, axes, width, height, grid: !map });
  drawing.save();
  drawing.beginPath();
  drawing.rect(LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM);
  drawing.clip();
  if (rule !== undefined) stroke(drawing, [[x(rule), TOP], [x(rule), height]], colour("accent"), []);
  lines.forEach((line, i) => {
    const places = line.x.map((value, k) => [x(value), y(line.y[k] ?? NaN)]);
    stroke(drawing, places, colour(map ? "ink" : `line-${i}`), map ? [] : DASHES[i % DASHES.length]);
    if (map) dot(drawing, places[0], colour("ink"), 3);
    if (map) dot(drawing, places.at(-1), colour("accent"), 5);
  });
  drawing.restore();
}

function extent(values) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return low < high ? [low, high] : [low, low + 1];
}

function frame(drawing, { xRange, yRange, x, y, axes, width, height, grid }) {
  drawing.fillStyle = colour("faint");
  drawing.strokeStyle = colour("rule");
  drawing.lineWidth = 1;
  drawing.textAlign = "center";
  for (const value of ticks(...xRange, width / 70)) drawing.fillText(label(value), x(value), height - BOTTOM + 16);
  drawing.textAlign = "right";
  for (const value of ticks(...yRange, height / 45)) {
    drawing.fillText(label(value), LEFT - 6, y(value) + 4);
    if (grid) stroke(drawing, [[LEFT, y(value)], [width - RIGHT, y(value)]], colour("rule"), [], 1);
  }
  drawing.fillText(axes.x, width - RIGHT, height - 4);
  drawing.textAlign = "left";
  drawing.fillText(axes.y, 4, 12);
}

/** Return round numbers in a range, about as many as wanted. */
export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

function label(value) {
  return String(+value.toPrecision(6)).replace("-", "−");
}

function stroke(drawing, places, style, dashes, thickness = 2) {
  drawing.strokeStyle = style;
  drawing.lineWidth = thickness;
  drawing.setLineDash(dashes);
  drawing.beginPath();
  for (const place of places) drawing.lineTo(...place);
  drawing.stroke();
  drawing.setLineDash([]);
}

function dot(drawing, [x, y], style, radius) {
  drawing.fillStyle = style;
  drawing.beginPath();
  drawing.arc(x, y, radius, 0, 2 * Math.PI);
  drawing.fill();
}

/** Return the legend of a chart's lines, as elements. */
export function legend(lines) {
  return lines.filter(({ name }) => name).map(({ name }, i) => {
    const entry = document.createElement("span");
    entry.className = `entry line-${i}`;
    entry.textContent = name;
    return entry;
  });
}
