// The page: takes what the device says and puts it where it belongs.

import { save, table } from "./csv.js";
import { Link } from "./link.js";
import { Plane } from "./plane.js";
import { Recordings } from "./recording.js";
import { Settings } from "./settings.js";
import { Strip } from "./strip.js";
import { best, chips, clock, DIMENSIONS, element, percent, sentence, signed, UNKNOWN, utterance } from "./words.js";

const KEPT = 5000; // results for the table
const SHOWN = 200; // in the list
const LOWEST = -60; // dB, left end of the level
const HOT = -3; // dB, too loud

const $ = (id) => document.getElementById(id);
const about = { labels: [], boot: null };
const rows = [];
const numbers = new Set();
let current = null;

const plane = new Plane($("plane"));
const strip = new Strip($("strip"), 60);
const settings = new Settings($("settings"), (message) => link.send(message));
new Recordings(() => about);

const HANDLERS = { hello, event, level, load, note, title, settings: changed, refused };
const link = new Link((message) => HANDLERS[message.kind]?.(message), connection);

function hello(message) {
  const restarted = about.boot !== null && about.boot !== message.boot;
  if (about.boot !== message.boot) begin(restarted);
  Object.assign(about, message);
  title(message);
  $("privacy").textContent = message.privacy.join(" ");
  makeBars(message.labels);
  settings.begin(message.settings, message.marks);
  $("last").textContent = hearsWords() ? "Words of the last utterance" : "Voice only: words are not heard";
  drawThreshold();
  $("notices").replaceChildren();
  message.notes.forEach(note);
  message.finals.forEach((final) => numbers.has(final.number) || add(final));
  if (!current && message.finals.length) present(message.finals.at(-1));
}

const hearsWords = () => about.settings.least !== null;

// A device that was started anew counts its seconds and results from the beginning.
function begin(restarted) {
  numbers.clear();
  plane.clear();
  strip.clear();
  current = null;
  if (restarted && rows.length) $("utterances").prepend(element("li", { class: "divider" }, "hearten was restarted"));
}

function event(message) {
  if (message.event.type !== "final") {
    plane.add(message.event);
    strip.add(message.event);
    present(message);
  } else if (!numbers.has(message.number)) {
    add(message);
    present(message);
    $("said").textContent = sentence(message.event);
  }
}

function add(message) {
  numbers.add(message.number);
  rows.push(message);
  if (rows.length > KEPT) rows.shift();
  plane.add(message.event);
  strip.add(message.event);
  $("utterances").prepend(utterance(message));
  while ($("utterances").children.length > SHOWN) $("utterances").lastChild.remove();
  count();
}

function count() {
  $("empty").hidden = rows.length > 0;
  $("save").disabled = $("clear").disabled = !rows.length;
  $("results-title").textContent = rows.length ? `Utterances (${rows.length})` : "Utterances";
}

// The panel "now": the event decided with the threshold that is in force, so that the slider acts.
function present(message) {
  current = message;
  const { event: shown, weights } = message;
  const unknown = shown.confidence < (settings.values.reject ?? 0);
  const guess = best(shown);
  const category = $("category");
  category.textContent = unknown ? UNKNOWN : guess;
  category.className = unknown ? "unknown" : "";
  const sure = `${percent(shown.confidence)} confidence`;
  const kind = shown.type === "final" ? "utterance ended" : "speaking";
  $("guess").textContent = unknown ? `perhaps ${guess}, ${sure} \u00b7 ${kind}` : `${sure} \u00b7 ${kind}`;
  for (const name of DIMENSIONS) showDimension(name, shown[name]);
  for (const [label, share] of Object.entries(shown.probabilities)) showShare(label, share, label === guess);
  if (shown.type !== "final" || !hearsWords()) return;
  const none = element("span", { class: "soft small" }, "none of the keywords");
  $("heard").replaceChildren(...(shown.words.length ? chips(shown.words, weights) : [none]));
}

function showDimension(name, value) {
  const row = $(`dimension-${name}`);
  const bar = row.querySelector("i");
  bar.style.left = `${50 + 50 * Math.min(0, value)}%`;
  bar.style.width = `${50 * Math.abs(value)}%`;
  row.querySelector("dd").textContent = signed(value);
}

function showShare(label, share, first) {
  const row = document.querySelector(`#bars [data-label="${CSS.escape(label)}"]`);
  if (!row) return;
  row.className = first ? "best" : "";
  row.querySelector("i").style.width = percent(share);
  row.lastChild.textContent = percent(share);
}

function makeDimensions() {
  $("dimensions").append(...DIMENSIONS.map((name) => {
    const track = element("span", { class: "track signed", "aria-hidden": "true" }, element("i"));
    const value = element("dd", {}, "\u2013");
    return element("div", { id: `dimension-${name}`, class: name[0] }, element("dt", {}, name), track, value);
  }));
}

function makeBars(labels) {
  if ($("bars").children.length === labels.length) return;
  $("bars").replaceChildren(...labels.map((label) => {
    const track = element("span", { class: "track", "aria-hidden": "true" }, element("i"), element("b"));
    return element("li", { "data-label": label }, element("span", {}, label), track, element("span", {}, "\u2013"));
  }));
}

function changed(message) {
  settings.take(message.settings);
  drawThreshold();
  if (current) present(current);
}

function drawThreshold() {
  for (const mark of document.querySelectorAll("#bars b")) mark.style.left = percent(settings.values.reject);
}

function refused({ message }) {
  note({ text: `refused: ${message}` });
}

function title(message) {
  $("source").textContent = message.title;
  document.title = message.title ? `hearten \u2013 ${message.title}` : "hearten";
}

function level({ rms, peak, speaking, seconds }) {
  const share = Math.min(1, Math.max(0, (rms - LOWEST) / -LOWEST));
  const meter = $("meter");
  meter.classList.toggle("hot", peak > HOT);
  meter.firstChild.style.transform = `scaleX(${share})`;
  meter.setAttribute("aria-label", `level ${Math.round(rms)} dB`);
  const mark = Math.min(1, Math.max(0, (peak - LOWEST) / -LOWEST));
  meter.lastChild.style.left = `calc(${percent(mark)} - 2px)`;
  meter.lastChild.style.opacity = mark > 0 ? 0.6 : 0;
  $("speaking").textContent = speaking ? "speaking" : "quiet";
  $("speaking").className = speaking ? "pill talk" : "pill idle";
  $("clock").textContent = clock(seconds);
  if (!current) $("category").textContent = "listening";
  strip.reach(seconds);
}

function load(message) {
  const shown = [
    ["board", about.board],
    ["processor", `${percent(message.cpu)} of a core`],
    ["CPU for 1 s of sound", message.realtime === null ? null : `${message.realtime.toFixed(3)} s`],
    ["memory", message.memory_mb === null ? null : `${Math.round(message.memory_mb)} MB`],
    ["temperature", message.temperature === null ? null : `${message.temperature.toFixed(0)} \u00b0C`],
    ["lost by the microphone", message.overflows],
    ["lost, machine busy", message.lost],
    ["words dropped, machine busy", message.words ? message.words.dropped + message.words.late || null : null],
    ["running for", clock(message.uptime, 0)],
    ["open pages", message.skipped ? `${message.pages} (${message.skipped} messages skipped)` : message.pages],
    ["pack", about.pack],
    ["hearten", about.version],
  ];
  const there = shown.filter(([, value]) => value !== null);
  $("load").replaceChildren(...there.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]));
}

function note({ text, at }) {
  const time = at ? new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
  const close = element("button", { type: "button", "aria-label": "Dismiss" }, "\u00d7");
  const shown = element("p", { class: "notice" }, element("span", {}, time ? `${time}  ${text}` : text), close);
  close.addEventListener("click", () => shown.remove());
  $("notices").prepend(shown);
  while ($("notices").children.length > 3) $("notices").lastChild.remove();
}

function connection(state) {
  const pill = $("connection");
  const live = state === "live";
  if (pill.textContent !== state) pill.textContent = state;
  pill.className = `pill ${live ? "live" : "wait"}`;
  document.body.classList.toggle("stale", !live);
}

$("save").addEventListener("click", () => {
  const day = new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-");
  save(table(rows, about.labels), `hearten-${day}.csv`);
});
$("clear").addEventListener("click", () => {
  rows.length = 0;
  $("utterances").replaceChildren();
  count();
  $("results").focus();
});
makeDimensions();
