// The valence-arousal plane: where the voice is now, and the way it came.

import { Drawing, still } from "./canvas.js";
import { best, signed, UNKNOWN } from "./words.js";

const TRAIL = 48; // points
const EDGE = 30; // pixels beside the plane
// Where people place these words (valence, arousal), after Russell's circumplex.
const PLACES = [
  ["excited", 0.6, 0.78], ["happy", 0.84, 0.3], ["content", 0.8, -0.34], ["calm", 0.55, -0.76],
  ["angry", -0.62, 0.74], ["afraid", -0.3, 0.9], ["sad", -0.82, -0.36], ["bored", -0.5, -0.8],
];

export class Plane {
  constructor(canvas) {
    this.trail = [];
    this.final = null;
    this.drawing = new Drawing(canvas, (pen, space) => this.#draw(pen, space));
    this.drawing.ask();
  }

  clear() {
    this.trail = [];
    this.final = null;
    this.drawing.ask();
  }

  add(event) {
    this.final = event.type === "final" ? event : null;
    this.trail.push([event.valence, event.arousal, event.type === "final"]);
    if (this.trail.length > TRAIL) this.trail.shift();
    const name = event.category === UNKNOWN ? `unknown, perhaps ${best(event)}` : event.category;
    this.drawing.canvas.setAttribute("aria-label",
      `valence ${signed(event.valence)}, arousal ${signed(event.arousal)}, ${name}`);
    this.drawing.ask();
  }

  #draw(pen, { width, height, colour, font }) {
    const [half, middle, centre] = [Math.min(width, height) / 2 - EDGE, width / 2, height / 2];
    const x = (valence) => middle + valence * half;
    const y = (arousal) => centre - arousal * half;
    this.#ground(pen, { x, y, half, colour, font });
    if (this.final) this.#branches(pen, x, y, colour);
    this.#trail(pen, x, y, colour);
  }

  #ground(pen, { x, y, half, colour, font }) {
    pen.lineWidth = 1;
    pen.strokeStyle = colour("grid");
    for (const at of [-1, -0.5, 0.5, 1]) line(pen, x(at), y(-1), x(at), y(1));
    for (const at of [-1, -0.5, 0.5, 1]) line(pen, x(-1), y(at), x(1), y(at));
    pen.beginPath();
    pen.arc(x(0), y(0), half, 0, 2 * Math.PI);
    pen.stroke();
    pen.strokeStyle = colour("line");
    line(pen, x(-1), y(0), x(1), y(0));
    line(pen, x(0), y(-1), x(0), y(1));
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = colour("soft");
    pen.font = font(half < 130 ? 11 : 13);
    for (const [word, valence, arousal] of PLACES) pen.fillText(word, x(valence), y(arousal));
    pen.font = font(11);
    pen.fillText("arousal +1", x(0), y(1) - 14);
    pen.fillText("\u22121", x(0), y(-1) + 14);
    for (const [text, at] of [["valence +1", 1], ["\u22121", -1]]) {
      pen.save();
      pen.translate(x(at) + 14 * at, y(0));
      pen.rotate(Math.PI / 2);
      pen.fillText(text, 0, 0);
      pen.restore();
    }
  }

  // Of a finished utterance: what the voice said, what the words said, what became of it.
  #branches(pen, x, y, colour) {
    const { voice, text } = this.final;
    const here = [x(this.final.valence), y(this.final.arousal)];
    pen.strokeStyle = colour("line");
    pen.lineWidth = 2;
    for (const [branch, square] of [[voice, false], [text, true]]) {
      if (!branch || !text) continue;
      const there = [x(branch.valence), y(branch.arousal)];
      pen.setLineDash([2, 4]);
      line(pen, ...there, ...here);
      pen.setLineDash([]);
      pen.beginPath();
      if (square) pen.rect(there[0] - 5, there[1] - 5, 10, 10);
      else pen.arc(...there, 5.5, 0, 2 * Math.PI);
      pen.fillStyle = colour("card");
      pen.fill();
      pen.stroke();
    }
  }

  #trail(pen, x, y, colour) {
    const last = this.trail.length - 1;
    pen.strokeStyle = pen.fillStyle = colour("accent");
    pen.lineCap = "round";
    for (let i = 1; i <= last; i += 1) {
      const fresh = 1 - (last - i) / TRAIL;
      pen.globalAlpha = still.matches ? 0.35 : 0.06 + 0.7 * fresh ** 3;
      pen.lineWidth = 1 + 2.5 * fresh;
      const [from, to] = [this.trail[i - 1], this.trail[i]];
      if (from[2]) dot(pen, x(from[0]), y(from[1]), 3.5); // an utterance ended here
      else line(pen, x(from[0]), y(from[1]), x(to[0]), y(to[1]));
    }
    pen.globalAlpha = 1;
    if (last < 0) return;
    const [valence, arousal] = this.trail[last];
    dot(pen, x(valence), y(arousal), 8);
    pen.strokeStyle = colour("card");
    pen.lineWidth = 2.5;
    pen.stroke();
  }
}

function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}
