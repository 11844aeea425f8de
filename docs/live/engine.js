// The engine of the public page: CPython, NumPy and SciPy of Pyodide, from its CDN. Tests put another in its place.

const VERSION = "314.0.7";
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
  report("Python and NumPy");
  const contents = Promise.all(Object.values(files).map(bytes)); // while Python comes
  const { loadPyodide } = await import(`${home}pyodide.mjs`);
  const python = await loadPyodide({ indexURL: home, packages });
  report("minidl");
  python.FS.mkdirTree("/live");
  for (const [i, content] of (await contents).entries()) {
    python.FS.writeFile(`/live/${Object.keys(files)[i]}`, content);
  }
  python.runPython("import sys; sys.path[:0] = ['/live', '/live/minidl.whl']");
  const run = (code) => {
    const printed = [];
    python.setStdout({ write: (bytes) => (printed.push(bytes.slice()), bytes.length) });
    python.runPython(code);
    return decode(printed);
  };
  const load = (names) => python.loadPackage(names, { messageCallback: () => {} });
  return { run, load };
}

async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} could not be loaded (${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Join pieces of bytes to a text. */
function decode(pieces) {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}
