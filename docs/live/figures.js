// Figures: those of the course that the library computes again for other settings.

const power = (value) => 10 ** value;

export const FIGURES = {
  one_minimum: {
    title: "2. One minimum?",
    page: "chapter02_one_minimum",
    claim: "The cost of one unit has no second minimum. Whether it has one at all depends on the data.",
    sliders: [
      { name: "kind", label: "Landscape", min: 0, max: 2, step: 1, value: 0,
        shown: (value) => ["a bowl", "a valley", "a trough"][value] },
      { name: "steps", label: "Steps", min: 0, max: 200, step: 1, value: 30 },
      { name: "rate", label: "Learning rate", min: -1, max: 1.5, step: 0.05, value: 0, scale: power },
    ],
  },
  threshold: {
    title: "3. From probability to decision",
    page: "chapter03_threshold",
    claim: "A higher threshold finds fewer positives: recall can only fall, precision tends to rise.",
    sliders: [{ name: "value", label: "Threshold", min: 0.02, max: 0.9, step: 0.01, value: 0.5 }],
  },
  how_to_start: {
    title: "7. How to start",
    page: "chapter07_how_to_start",
    claim: "The size of the first weights decides whether a signal gets through eight layers, and a gradient back.",
    sliders: [
      { name: "scale", label: "Scale of the weights", min: -2, max: 1, step: 0.05, value: 0, scale: power },
      { name: "activation", label: "Activation", min: 0, max: 1, step: 1, value: 0,
        shown: (value) => ["tanh", "relu"][value] },
    ],
  },
  activations: {
    title: "8. A race of activations",
    page: "chapter08_activations",
    claim: "Same start, same data, other activations: their derivatives decide how fast a network learns.",
    sliders: [{ name: "seed", label: "Seed", min: 0, max: 20, step: 1, value: 0 }],
  },
  hyperparameters: {
    title: "12. Learning rate and momentum",
    page: "chapter12_hyperparameters",
    claim: "Too small a rate crawls, too large a rate jumps. Momentum helps the small one.",
    sliders: [
      { name: "rate", label: "Learning rate", min: -3, max: 1.5, step: 0.05, value: 0.5, scale: power },
      { name: "momentum", label: "Momentum", min: 0, max: 0.99, step: 0.01, value: 0 },
    ],
  },
  depth: {
    title: "13. Depth folds",
    page: "chapter13_depth",
    claim: "Each layer of two ReLU units folds the line once more: the number of pieces doubles.",
    sliders: [
      { name: "layers", label: "Layers", min: 1, max: 8, step: 1, value: 3 },
      { name: "noise", label: "Noise in the weights", min: 0, max: 0.05, step: 0.002, value: 0 },
    ],
  },
};
