// A recording that is dropped on the page: sent, heard by the device, drawn as a timeline.

import { save, table } from "./csv.js";
import { Strip } from "./strip.js";
import { clock, element, utterance } from "./words.js";

const SHOWN = 5; // recordings on the page
const $ = (id) => document.getElementById(id);

export class Recordings {
  // `about` returns the labels of the pack and the most bytes that the device takes.
  constructor(about) {
    Object.assign(this, { about, waiting: [], request: null, cards: 0 });
    const input = $("file");
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = "";
    });
    $("stop").addEventListener("click", () => this.#stop());
    this.#listen();
  }

  add(files) {
    this.waiting.push(...files);
    if (!this.request) this.#next();
  }

  #listen() {
    const body = document.body;
    const holds = (event) => event.dataTransfer?.types.includes("Files");
    for (const kind of ["dragenter", "dragover"]) {
      addEventListener(kind, (event) => {
        if (!holds(event)) return;
        event.preventDefault();
        body.classList.add("dragging");
      });
    }
    addEventListener("dragleave", (event) => event.relatedTarget || body.classList.remove("dragging"));
    addEventListener("drop", (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      body.classList.remove("dragging");
      this.add(event.dataTransfer.files);
    });
  }

  #next() {
    const file = this.waiting.shift();
    this.#show(Boolean(file));
    if (!file) return;
    const most = this.about().limit ?? Infinity;
    if (file.size > most) {
      this.#say(`${file.name} is larger than ${Math.floor(most / 1e6)} MB, the most that fits`, true);
      this.#next();
      return;
    }
    this.#send(file, { name: file.name, rows: [], strip: null, seen: 0 });
  }

  #send(file, job) {
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", `hear?name=${encodeURIComponent(file.name)}`);
    request.upload.onprogress = (event) => this.#step(`sending ${job.name}`, event.loaded / event.total);
    request.onprogress = () => request.status === 200 && this.#read(request.responseText, job);
    request.onload = () => {
      if (request.status === 200) this.#read(request.responseText, job);
      else this.#say(`${job.name}: ${request.responseText || "the device refused it"}`, true);
      if (request.status === 200 && !job.over) this.#say(`${job.name}: the device stopped in between`, true);
      this.#done();
    };
    request.onerror = () => {
      this.#say(`${job.name}: the connection to the device was lost`, true);
      this.#done();
    };
    this.#step(`sending ${job.name}`, 0);
    request.send(file);
  }

  #read(text, job) {
    for (let end; (end = text.indexOf("\n", job.seen)) >= 0; job.seen = end + 1) {
      this.#take(JSON.parse(text.slice(job.seen, end)), job);
    }
  }

  #take(message, job) {
    if (message.kind === "progress") {
      this.#step(`hearing ${job.name}`, message.of ? message.seconds / message.of : 0);
      job.strip?.reach(message.seconds);
    } else if (message.kind === "error") {
      job.over = true;
      this.#say(message.message, true);
    } else if (message.kind === "event") {
      if (!job.strip) this.#card(job);
      job.strip.add(message.event);
      if (message.event.type !== "final") return;
      job.rows.push(message);
      job.list.append(utterance(message));
    } else if (message.kind === "end") {
      this.#finish(message.seconds, job);
    }
  }

  #finish(seconds, job) {
    job.over = true;
    if (!job.rows.length) {
      this.#say(`${job.name}: no speech found in ${clock(seconds)}`);
      return;
    }
    job.strip.reach(seconds);
    const count = `${job.rows.length} utterance${job.rows.length > 1 ? "s" : ""}`;
    this.#say(`${job.name}: ${count} in ${clock(seconds)}`);
    job.count.textContent = `${count}, ${clock(seconds)}`;
    job.save.disabled = false;
  }

  // The place where a recording is shown.
  #card(job) {
    const canvas = element("canvas", { class: "strip", role: "img", "aria-label": `V/A/D in ${job.name}; the list below says the same` });
    job.list = element("ol", { tabindex: "0", "aria-label": `Utterances in ${job.name}` });
    job.count = element("span", { class: "soft small" });
    job.save = element("button", { type: "button", disabled: "" }, "Save as CSV");
    const close = element("button", { type: "button", "aria-label": `Close ${job.name}` }, "Close");
    const title = element("h2", { id: `recording-${(this.cards += 1)}` }, job.name);
    const head = element("div", { class: "row" }, title, job.count, job.save, close);
    const card = element("section", { class: "card", "aria-labelledby": title.id }, head, canvas, job.list);
    const name = job.name.replace(/\.\w+$/, "");
    job.save.addEventListener("click", () => save(table(job.rows, this.about().labels, job.name), `${name}.csv`));
    close.addEventListener("click", () => {
      card.remove();
      $("file").focus();
    });
    $("recordings").prepend(card);
    while ($("recordings").children.length > SHOWN) $("recordings").lastChild.remove();
    job.strip = new Strip(canvas);
    card.scrollIntoView({ block: "nearest" });
  }

  #stop() {
    this.waiting = [];
    this.request?.abort();
    this.#say("stopped");
    this.#done();
  }

  #done() {
    this.request = null;
    this.#next();
  }

  #show(busy) {
    $("progress").hidden = $("stop").hidden = !busy;
  }

  #step(text, share) {
    if (this.step !== text) this.#say((this.step = text));
    if (share > 0) $("progress").value = share;
    else $("progress").removeAttribute("value");
  }

  #say(text, wrong = false) {
    const job = $("job");
    job.textContent = text;
    job.className = wrong ? "refused" : "";
  }
}
