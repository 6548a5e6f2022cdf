// The connection to the device: one WebSocket that comes back by itself.

const [FIRST, LONGEST] = [500, 8000]; // milliseconds between two attempts
const SILENT = 8000; // milliseconds without a message: statistics come every second

export class Link {
  // `tell` gets every message; `state` is told "live", or why not and when the next attempt is.
  constructor(tell, state) {
    Object.assign(this, { tell, state, pause: FIRST, timer: 0, last: 0 });
    setInterval(() => this.#look(), 1000);
    addEventListener("online", () => this.#soon(0));
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    this.#open();
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  #open() {
    const address = new URL("events", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    this.last = Date.now();
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      this.last = Date.now();
      this.pause = FIRST;
      const message = JSON.parse(data);
      if (message.kind === "hello") this.state("live");
      this.tell(message);
    };
    socket.onclose = () => socket === this.socket && this.#lost();
  }

  async #lost() {
    this.state("reconnecting");
    this.#soon(this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(2 * this.pause, LONGEST);
    const socket = this.socket;
    try {
      const answer = await fetch(".", { method: "GET" });
      if (answer.status === 503 && socket === this.socket) this.state(await answer.text());
    } catch {
      // The device is not there: the state says so already.
    }
  }

  #soon(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket.readyState === WebSocket.CLOSED && this.#open(), pause);
  }

  // A network that vanished says nothing.
  #look() {
    const waits = this.socket.readyState <= WebSocket.OPEN;
    if (!waits || Date.now() - this.last < SILENT) return;
    const silent = this.socket;
    silent.onclose = silent.onmessage = null;
    silent.close();
    this.#lostAndOpen();
  }

  #lostAndOpen() {
    this.state("reconnecting");
    this.#open();
  }
}
