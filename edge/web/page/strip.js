// V/A/D over time: the last minute of a stream, or a whole recording.

import { Drawing } from "./canvas.js";
import { clock, DIMENSIONS, fill } from "./words.js";

const [LEFT, RIGHT, TOP, AXIS, BAND, WORD] = [30, 10, 8, 18, 20, 15]; // pixels
const DASHES = [[], [7, 4], [1.5, 4]];
const STEPS = [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const KEPT = 400; // utterances, and points between them

export class Strip {
  // `seconds`: how long the window is that follows the stream; null shows everything.
  constructor(canvas, seconds = null) {
    this.seconds = seconds;
    this.rows = seconds ? 0 : 3; // of words
    this.clear();
    this.drawing = new Drawing(canvas, (pen, space) => this.#draw(pen, space));
    this.drawing.ask();
  }

  clear() {
    this.end = 0;
    this.finals = [];
    this.traces = [[]];
    this.drawing?.ask();
  }

  // How far the stream is.
  reach(seconds) {
    this.end = Math.max(this.end, seconds);
    this.drawing.ask();
  }

  add(event) {
    if (event.type === "final") {
      this.finals.push(event);
      this.traces.push([]);
    } else {
      this.traces.at(-1).push([event.end, ...DIMENSIONS.map((name) => event[name])]);
    }
    if (this.seconds) {
      for (const list of [this.finals, this.traces]) if (list.length > KEPT) list.shift();
    }
    this.reach(event.end);
  }

  #draw(pen, { width, height, colour, font }) {
    const long = this.seconds ?? Math.max(this.end, 0.5);
    const from = this.seconds ? Math.max(0, this.end - long) : 0;
    const bottom = height - AXIS - BAND - 6 - this.rows * WORD;
    const scale = (width - LEFT - RIGHT) / long;
    const place = {
      from, to: from + long, scale, bottom, right: width - RIGHT, colour, font,
      x: (seconds) => LEFT + (seconds - from) * scale,
      y: (value) => TOP + ((bottom - TOP) * (1 - value)) / 2,
    };
    pen.textBaseline = "middle";
    this.#grid(pen, place, height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT - RIGHT, height - AXIS);
    pen.clip();
    this.#bands(pen, place);
    this.#lines(pen, place);
    if (this.rows) this.#words(pen, place);
    pen.restore();
  }

  #grid(pen, { from, to, scale, x, y, right, bottom, colour, font }, height) {
    pen.font = font(11);
    pen.lineWidth = 1;
    for (const value of [1, 0, -1]) {
      pen.strokeStyle = colour(value ? "grid" : "line");
      path(pen, [[LEFT, y(value)], [right, y(value)]]);
      pen.fillStyle = colour("soft");
      pen.textAlign = "right";
      pen.fillText(["\u22121", "0", "+1"][value + 1], LEFT - 6, y(value));
    }
    pen.textAlign = "center";
    pen.strokeStyle = colour("grid");
    const step = STEPS.find((seconds) => seconds * scale >= 58) ?? STEPS.at(-1);
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      path(pen, [[x(at), TOP], [x(at), bottom]]);
      const text = clock(at, step < 1 ? 1 : 0);
      if (x(at) < right - 8) pen.fillText(text, Math.max(x(at), LEFT + 8), height - AXIS / 2);
    }
  }

  #bands(pen, { from, to, x, bottom, font }) {
    pen.font = font(12, 500);
    pen.textAlign = "center";
    for (const event of this.finals) {
      if (event.end < from || event.start > to) continue;
      const [left, wide] = [x(event.start), Math.max(1, x(event.end) - x(event.start))];
      pen.fillStyle = fill(event.category);
      pen.globalAlpha = 0.13;
      pen.fillRect(left, TOP, wide, bottom - TOP);
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.roundRect(left + 0.5, bottom + 5, Math.max(1, wide - 1), BAND - 2, Math.min(3, wide / 2));
      pen.fill();
      if (wide < pen.measureText(event.category).width + 6) continue;
      pen.fillStyle = "#14171b";
      pen.fillText(event.category, left + wide / 2, bottom + 4.5 + BAND / 2);
    }
  }

  #lines(pen, { from, x, y, colour }) {
    pen.lineCap = "round";
    DIMENSIONS.forEach((name, i) => {
      pen.strokeStyle = colour(name[0]);
      pen.setLineDash(DASHES[i]);
      pen.lineWidth = 1.2;
      for (const trace of this.traces) {
        if (trace.length && trace.at(-1)[0] >= from) path(pen, trace.map((p) => [x(p[0]), y(p[i + 1])]));
      }
      pen.lineWidth = 2.4;
      for (const event of this.finals) {
        if (event.end >= from) path(pen, [[x(event.start), y(event[name])], [x(event.end), y(event[name])]]);
      }
    });
    pen.setLineDash([]);
  }

  // Words that find room in a row; the list has them all.
  #words(pen, { x, bottom, right, colour, font }) {
    const free = Array(this.rows).fill(0);
    pen.font = font(12);
    pen.textAlign = "left";
    pen.fillStyle = colour("ink");
    for (const word of this.finals.flatMap((event) => event.words)) {
      const wide = pen.measureText(word.word).width;
      const left = Math.min(x(word.start), right - wide);
      const row = free.findIndex((until) => until <= left);
      if (row < 0) continue;
      free[row] = left + wide + 8;
      pen.fillText(word.word, left, bottom + BAND + 13 + row * WORD);
    }
  }
}

function path(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}
