// Colours: those of the style sheet, for what is drawn on a canvas. They follow the theme.

const dark = matchMedia("(prefers-color-scheme: dark)");
const SOFT = 0.72; // how far the maps go from the ground to the colours of the classes: points stand out on them
const known = new Map(); // what was computed for this theme

/** Return a colour of the style sheet, such as "ink" or "line-0". */
export function colour(name) {
  return once(name, () => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
}

/** Call a function whenever the theme has changed. */
export function onTheme(redraw) {
  dark.addEventListener("change", () => {
    known.clear();
    redraw();
  });
}

/** Return 256 colours as the pixels of a picture, from near that of class 0 over the ground to near that of class 1. */
export function diverging() {
  return once("pixels", () => {
    const bytes = levels(SOFT).flatMap((level) => [...level, 255]);
    return new Uint32Array(Uint8ClampedArray.from(bytes).buffer);
  });
}

/** Return `rgb(...)` for a value from 0 to 255, up to the full colours of the classes. */
export function diverged(value) {
  const texts = once("texts", () => levels(1).map((level) => `rgb(${level.map(Math.round).join(",")})`));
  return texts[Math.max(0, Math.min(255, Math.round(value)))];
}

function once(name, compute) {
  if (!known.has(name)) known.set(name, compute());
  return known.get(name);
}

/** Return red, green and blue of 256 levels. */
function levels(strength) {
  const [low, middle, high] = ["class-0", "ground", "class-1"].map((name) => channels(colour(name)));
  return Array.from({ length: 256 }, (_, level) => {
    const part = (strength * Math.abs(level - 127.5)) / 127.5;
    return middle.map((start, c) => start + part * ((level < 128 ? low : high)[c] - start));
  });
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}
