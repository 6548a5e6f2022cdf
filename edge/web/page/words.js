// What several parts of the page say or draw in the same way.

export const DIMENSIONS = ["valence", "arousal", "dominance"];
export const UNKNOWN = "unknown";

// The colours of hearten file --plot: dark text reads well on all of them.
const FILLS = {
  unknown: "#c3c7cc", neutral: "#d6dbe1", calm: "#b7e0d4", happy: "#ffe08a", sad: "#a9c8f5",
  angry: "#ffaaa0", fearful: "#d3bbf2", disgust: "#c5d99a", surprised: "#ffc59e",
};
const OTHERS = ["#9fdbe8", "#f5b8d8", "#e3cfa8", "#b9c3f0", "#cfe8b0"];

export function fill(category) {
  const sum = [...category].reduce((total, sign) => total + sign.codePointAt(0), 0);
  return FILLS[category] ?? OTHERS[sum % OTHERS.length];
}

export const percent = (share) => `${Math.round(100 * share)}%`;
export const signed = (value) => (value <= -0.005 ? "\u2212" : "+") + Math.abs(value).toFixed(2);

export function clock(seconds, digits = 1) {
  const scale = 10 ** digits;
  const tenths = Math.round(seconds * scale);
  const rest = (tenths % (60 * scale)) / scale;
  return `${Math.floor(tenths / (60 * scale))}:${rest.toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
}

export function best(event) {
  return Object.entries(event.probabilities).reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// How much a word counts: its learned weight times how surely it was heard.
function strength(word, weight) {
  const counts = word.confidence * weight;
  return counts > 0.25 ? "strong" : counts > 0.1 ? "some" : "little";
}

export function chips(words, weights) {
  return words.map((word, i) => {
    const weight = weights[i] ?? 0;
    const sure = element("small", {}, percent(word.confidence));
    const title = `heard with ${percent(word.confidence)} confidence, learned weight ${weight.toFixed(2)}`;
    const chip = element("span", { class: `word ${strength(word, weight)}`, title }, `${word.word} `, sure);
    chip.append(element("span", { class: "sr" }, `, weight ${weight.toFixed(2)}`));
    return chip;
  });
}

export function sentence(event) {
  const sure = percent(event.confidence);
  const what = event.category === UNKNOWN ? `unknown, perhaps ${best(event)} ${sure}` : `${event.category} ${sure}`;
  const heard = event.words.map((word) => word.word).join(", ");
  return heard ? `${what}; words: ${heard}` : what;
}

// One finished utterance in a list.
export function utterance({ event, weights }) {
  const swatch = element("i", { class: "swatch", "aria-hidden": "true" });
  swatch.style.background = fill(event.category);
  const unknown = event.category === UNKNOWN;
  const name = element("strong", unknown ? { class: "unknown" } : {}, event.category);
  const sure = element("span", { class: "soft" }, unknown ? ` \u00b7 ${best(event)}? ${percent(event.confidence)}` : ` ${percent(event.confidence)}`);
  const vad = DIMENSIONS.map((d) => `${d[0].toUpperCase()} ${signed(event[d])}`).join("  ");
  const row = element("li", { class: "utterance" },
    element("time", {}, `${clock(event.start)}\u2013${clock(event.end)}`),
    element("span", {}, swatch, name, sure),
    element("span", { class: "vad" }, vad));
  if (event.words.length) row.append(element("span", { class: "words" }, ...chips(event.words, weights)));
  return row;
}
