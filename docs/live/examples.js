// Examples: layers and losses in the folder of that name, right ones and wrong ones with typical mistakes.

export const EXAMPLES = {
  forgotten_factor: "A forgotten factor",
  swish: "Half a product rule",
  mean_over_batch: "A mean in place of a sum",
  not_transposed: "A missing transpose",
  in_place: "Writing into the input",
  softmax: "Only the diagonal",
  scale: "Correct: scale and shift",
  squared_error: "Correct: a loss",
};

const texts = new Map();

/** Return the code of an example. */
export async function codeOf(name) {
  if (!texts.has(name)) {
    const response = await fetch(new URL(`examples/${name}.py`, import.meta.url));
    if (!response.ok) throw new Error(`The example ${name} could not be loaded (${response.status}).`);
    texts.set(name, await response.text());
  }
  return texts.get(name);
}
