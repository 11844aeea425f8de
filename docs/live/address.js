// The address: which room is open and how it is set, so that a link shows the same: #playground?data=xor&hidden=4-4

/** Return the room and the settings in the address. */
export function read() {
  const [room, settings = ""] = location.hash.slice(1).split("?");
  return { room, settings: Object.fromEntries(new URLSearchParams(settings)) };
}

/** Put a room and its settings into the address, without a step in the history. */
export function write(room, settings) {
  const text = new URLSearchParams(settings).toString();
  history.replaceState(null, "", `#${room}${text && `?${text}`}`);
}

/** Return a text compressed, for an address. */
export async function packed(text) {
  const bytes = await through(new Blob([text]), new CompressionStream("deflate-raw"));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Return the text that `packed` compressed. */
export async function unpacked(letters) {
  const binary = atob(letters.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(new Blob([bytes]), new DecompressionStream("deflate-raw")));
}

async function through(blob, stream) {
  return new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
}
