// Thresholds that act at once: a slider each, with the pack's named places.

import { element, percent } from "./words.js";

const TEXTS = {
  reject: ["Say \u201cunknown\u201d below", "Least confidence of a category"],
  least: ["Words count from", "Least confidence of a word"],
};
const PAUSE = 100; // milliseconds between two messages of one slider
const HELD = 500; // milliseconds after a move in which the slider stays where the hand left it

export class Settings {
  constructor(form, send) {
    Object.assign(this, { form, send, values: {}, fields: {} });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Make the sliders that this device has.
  begin(values, marks) {
    const names = Object.keys(values).filter((name) => values[name] !== null);
    if (names.join() !== Object.keys(this.fields).join()) {
      this.fields = {};
      this.form.replaceChildren(...names.map((name) => this.#field(name, marks[name] ?? {})));
    }
    this.take(values);
  }

  // What the device says is in force; under a moving hand, shown when it rests.
  take(values) {
    this.values = values;
    for (const [name, field] of Object.entries(this.fields)) {
      clearTimeout(field.late);
      const wait = field.moved + HELD - Date.now();
      if (wait <= 0) this.#write(field, values[name]);
      else field.late = setTimeout(() => this.#write(field, this.values[name]), wait);
    }
  }

  #field(name, marks) {
    const [text, title] = TEXTS[name] ?? [name, name];
    const input = element("input", { type: "range", id: name, min: 0, max: 1, step: 0.01, title, list: `${name}-marks` });
    const output = element("output", { for: name });
    const label = element("label", { for: name }, element("span", {}, text), output);
    const list = element("datalist", { id: `${name}-marks` }, ...Object.values(marks).map((value) => element("option", { value })));
    const field = (this.fields[name] = { input, output, moved: 0, sent: 0 });
    input.addEventListener("input", () => this.#change(name, Number(input.value)));
    const buttons = Object.entries(marks).map(([mark, value]) => {
      const button = element("button", { type: "button" }, `${mark} ${percent(value)}`);
      button.addEventListener("click", () => {
        this.#write(field, value);
        this.#change(name, value);
      });
      return button;
    });
    const group = element("div", { class: "marks", role: "group", "aria-label": `${title}: named values` }, ...buttons);
    return element("div", { class: "setting" }, label, input, list, group);
  }

  #write({ input, output }, value) {
    input.value = value;
    output.textContent = percent(value);
    input.setAttribute("aria-valuetext", percent(value));
  }

  // Show at once, send at most ten times a second, the last value always.
  #change(name, value) {
    const field = this.fields[name];
    field.moved = Date.now();
    field.output.textContent = percent(value);
    field.input.setAttribute("aria-valuetext", percent(value));
    clearTimeout(field.late);
    clearTimeout(field.timer);
    field.timer = setTimeout(() => {
      field.sent = Date.now();
      this.send({ set: { [name]: value } });
    }, Math.max(0, PAUSE - (Date.now() - field.sent)));
  }
}
