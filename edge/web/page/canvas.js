// A canvas that is as sharp as the screen and takes its colours from the style sheet.

const asked = new Set();
const dark = matchMedia("(prefers-color-scheme: dark)");
export const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Drawing {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.draw = draw;
    new ResizeObserver(() => this.ask()).observe(canvas);
    dark.addEventListener("change", () => this.ask());
  }

  // Draw at the next frame, however often it is asked for.
  ask() {
    if (asked.has(this)) return;
    asked.add(this);
    requestAnimationFrame(() => {
      asked.delete(this);
      this.#paint();
    });
  }

  #paint() {
    const { canvas } = this;
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
    if (!width || !height) return;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const font = (size, weight = 400) => `${weight} ${size}px ${colour("font")}`;
    this.draw(pen, { width, height, colour, font });
  }
}
