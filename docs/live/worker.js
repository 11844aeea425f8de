// The worker: it starts Python by the engine that the page names, then does what one message after another asks.

let engine = null;

const tasks = {
  start: async ({ address, files }) => {
    const { start } = await import(address);
    engine = await start(files, (stage) => self.postMessage({ stage }));
  },
  load: ({ packages }) => engine.load(packages),
  run: ({ code }) => engine.run(code),
};

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ id: data.id, value: (await tasks[data.task](data)) ?? null });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error?.message ?? error) });
  }
};
