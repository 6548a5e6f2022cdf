// Results as a table (RFC 4180), made here: the device keeps none.

import { DIMENSIONS } from "./words.js";

const cell = (value) => {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

// The columns of hearten file --csv, after the time of day.
export function table(rows, labels, file = "") {
  const names = ["file", "channel", "type", "start", "end", "category", "confidence", ...DIMENSIONS];
  const lines = [["time", ...names, ...labels.map((label) => `p_${label}`), "words"]];
  for (const { event, at } of rows) {
    const full = { ...event, file, channel: "" };
    const shares = labels.map((label) => event.probabilities[label]);
    const time = at ? new Date(at * 1000).toISOString() : "";
    const words = event.words.map((word) => word.word).join(" ");
    lines.push([time, ...names.map((name) => full[name]), ...shares, words]);
  }
  return lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
}

export function save(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
