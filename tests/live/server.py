"""A web server on this machine: the live page, with the tests' engine in place of Pyodide."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = "text/javascript"
TYPES = {".js": SCRIPT, ".mjs": SCRIPT, ".html": "text/html", ".css": "text/css", ".wasm": "application/wasm"}


@contextlib.contextmanager
def serving(folders: dict[str, Path], files: dict[str, Path]) -> Iterator[str]:
    """Serve folders by the path that their addresses begin with, and single files by theirs; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = self.path.partition("?")[0]
            file = files.get(path)
            for start, folder in folders.items():
                if file is None and path.startswith(start) and (folder / path[len(start) :]).is_file():
                    file = folder / path[len(start) :]
            body = b"" if file is None else file.read_bytes()
            self.send_response(404 if file is None else 200)
            self.send_header("Content-Type", TYPES.get(file.suffix if file else "", "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=3600" if path.endswith((".wasm", ".zip")) else "no-store")
            self.end_headers()
            with contextlib.suppress(OSError):  # the page was closed while this went out
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
