// Colours: those of the style sheet, for what is drawn on a canvas. They follow the theme.

const dark = matchMedia("(prefers-color-scheme: dark)");
const SOFT = 0.72; // how far the scale goes from the ground to the colours of the classes: points stand out on it
let scale = null;

/** Return a colour of the style sheet, such as "ink" or "line-0". */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call a function whenever the theme has changed. */
export function onTheme(redraw) {
  dark.addEventListener("change", () => {
    scale = null;
    redraw();
  });
}

/** Return 256 colours as the pixels of a picture, from near that of class 0 over the ground to near that of class 1. */
export function diverging() {
  scale ??= new Uint32Array(Uint8ClampedArray.from({ length: 4 * 256 }, channel(SOFT)).buffer);
  return scale;
}

/** Return `rgb(...)` for a value from 0 to 255, up to the full colours of the classes. */
export function diverged(value) {
  const level = Math.max(0, Math.min(255, Math.round(value)));
  const pixel = channel(1);
  return `rgb(${[0, 1, 2].map((c) => Math.round(pixel(null, 4 * level + c))).join(",")})`;
}

/** Return the function that gives byte `k` of the pixels of the scale. */
function channel(strength) {
  const [low, middle, high] = ["class-0", "ground", "class-1"].map((name) => channels(colour(name)));
  return (_, k) => {
    const [level, c] = [Math.floor(k / 4), k % 4];
    const end = level < 128 ? low : high;
    return c === 3 ? 255 : middle[c] + (strength * Math.abs(level - 127.5) * (end[c] - middle[c])) / 127.5;
  };
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}
