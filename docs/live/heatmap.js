// Heat map: a square of bytes as a picture, in the diverging colours.

import { diverging } from "./colours.js";

/** Return the bytes in a text of base64. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Return a canvas of `side` x `side` pixels with the colours of `values`. */
export function picture(values, side, canvas = document.createElement("canvas")) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const colours = diverging();
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) pixels[i] = colours[values[i]];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Make a canvas as fine as the screen and return its context, whose unit is a pixel of the style sheet. */
export function context(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const drawing = canvas.getContext("2d");
  drawing.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawing.clearRect(0, 0, width, height);
  return { drawing, width, height };
}
