// The engine of the tests: CPython, NumPy and SciPy compiled to WebAssembly, on a file system in memory.

import { Directory, Fd, File, OpenFile, PreopenDirectory, WASI } from "/shim/index.js";

const ZIP = "python315.zip";

/** An output whose bytes are kept until they are taken. */
class Output extends Fd {
  pieces = [];

  fd_write(data) {
    this.pieces.push(data.slice());
    return { ret: 0, nwritten: data.length };
  }

  take() {
    const decoder = new TextDecoder();
    const text = this.pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
    this.pieces = [];
    return text;
  }
}

async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} could not be loaded (${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}

/** As in docs/live/engine.js. */
export async function start(files, report) {
  report("Python and NumPy");
  const module = WebAssembly.compileStreaming(fetch("/wasi/python-snapshot.wasm"));
  const lib = new Map([[ZIP, new File(await bytes("/wasi/python-stdlib.zip"), { readonly: true })]]);
  const live = new Map();
  for (const [name, address] of Object.entries(files)) live.set(name, new File(await bytes(address)));
  const root = new Map([
    ["live", new Directory(live)],
    ["tmp", new Directory(new Map())],
    ["usr", new Directory(new Map([["local", new Directory(new Map([["lib", new Directory(lib)]]))]]))],
  ]);
  const [out, err] = [new Output(), new Output()];
  const wasi = new WASI(
    ["/usr/local/bin/python.wasm"],
    ["TMPDIR=/tmp", "PYTHONTZPATH=", "HOME=/tmp"],
    [
      new OpenFile(new File(new Uint8Array())),
      out,
      err,
      new PreopenDirectory("/usr/local/lib", lib),
      new PreopenDirectory("/", root),
    ],
    { debug: false },
  );
  const host = { call: () => -1 };
  const { exports } = await WebAssembly.instantiate(await module, { wasi_snapshot_preview1: wasi.wasiImport, host });
  wasi.inst = { exports };
  const run = (code) => {
    const data = new TextEncoder().encode(code);
    const address = exports.host_alloc(data.length) >>> 0;
    new Uint8Array(exports.memory.buffer).set(data, address);
    const status = exports.turn(address, data.length);
    const printed = out.take();
    const errors = err.take();
    if (status !== 0) throw new Error(errors || `Python ended with status ${status}.`);
    return printed;
  };
  report("minidl");
  run("import sys; sys.path[:0] = ['/live', '/live/minidl.whl']; sys.modules['scipy'] = None");
  const load = (names) => run(`for name in ${JSON.stringify(names)}: sys.modules.pop(name, None)`);
  return { run, load };
}
