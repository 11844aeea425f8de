// The engine of the public page: CPython, NumPy and SciPy of Pyodide, from its CDN. Tests put another in its place.

export const VERSION = "314.0.7";
const HOME = `https://cdn.jsdelivr.net/pyodide/v${VERSION}/full/`;

/**
 * Start Python with minidl in it.
 *
 * @param {Object<string, string>} files Addresses of the files that Python imports, by their names there.
 * @param {function(string)} report Told what is loaded next.
 * @param {string} home Where Pyodide is.
 * @param {string[]} packages What minidl needs.
 * @returns {Promise<{run: function(string): string, load: function(string[]): Promise}>} `run` runs code and returns
 *     what it printed, `load` makes further packages importable.
 */
export async function start(files, report, home = HOME, packages = ["numpy"]) {
  report("Python");
  const { loadPyodide } = await import(`${home}pyodide.mjs`);
  const python = await loadPyodide({ indexURL: home });
  const load = (names) => python.loadPackage(names, { messageCallback: () => {} });
  report("NumPy");
  await load(packages);
  report("minidl");
  python.FS.mkdirTree("/live");
  for (const [name, address] of Object.entries(files)) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} could not be loaded (${response.status}).`);
    python.FS.writeFile(`/live/${name}`, new Uint8Array(await response.arrayBuffer()));
  }
  python.runPython("import sys; sys.path[:0] = ['/live', '/live/minidl.whl']");
  const run = (code) => {
    const printed = [];
    python.setStdout({ write: (bytes) => (printed.push(bytes.slice()), bytes.length) });
    python.runPython(code);
    return decode(printed);
  };
  return { run, load };
}

/** Join pieces of bytes to a text. */
export function decode(pieces) {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}
