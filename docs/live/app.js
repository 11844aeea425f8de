// The page: which room is open, and whether Python is there.

import { read } from "./address.js";
import { CertifyRoom } from "./certify.js";
import { ChaptersRoom } from "./chapters.js";
import { PlaygroundRoom } from "./playground.js";
import { Python, Stopped } from "./python.js";

const $ = (id) => document.getElementById(id);
const python = new Python((stage) => say(`Loading ${stage}…`));
const rooms = {
  playground: new PlaygroundRoom(python),
  certify: new CertifyRoom(python, restart),
  chapters: new ChaptersRoom(python),
};
let ready = false;
let current = null;

function say(text, busy = true) {
  $("status").textContent = text;
  $("status").classList.toggle("busy", busy);
}

/** Start Python and open the room; say so if it cannot be had. */
async function start() {
  $("failure").hidden = true;
  $("loading").hidden = false;
  try {
    await python.start();
  } catch (error) {
    if (error instanceof Stopped) return;
    $("loading").hidden = true;
    python.stop();
    say("Python is not available", false);
    const offline = navigator.onLine ? "" : " You are offline.";
    $("reason").textContent = `Python could not be started.${offline} ${error.message}`;
    $("failure").hidden = false;
    return;
  }
  ready = true;
  $("loading").hidden = true;
  say("Ready", false);
  current?.begin();
}

/** Stop Python, whatever it does, and start it again. */
function restart() {
  ready = false;
  python.stop();
  say("Stopped. Loading Python again…");
  return start();
}

/** Open the room that the address names; a link that names no settings leaves the room as it is. */
async function open() {
  const { room, settings } = read();
  const name = room in rooms ? room : "playground";
  for (const section of document.querySelectorAll(".room")) section.hidden = section.id !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (rooms[name] !== current) current?.close();
  current = rooms[name];
  await current.open(settings);
  if (ready) current.begin();
}

/** Put the address into the clipboard; where there is none, it can still be taken from the browser. */
async function copyLink() {
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  say(copied ? "Link copied" : "Copy the address of this page", false);
}

$("copy").addEventListener("click", copyLink);
$("retry").addEventListener("click", start);
window.addEventListener("hashchange", open);
await open();
start();
