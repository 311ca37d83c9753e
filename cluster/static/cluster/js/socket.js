// The connection to /ws/topology/: reconnects by itself and asks again after a gap.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

/**
 * Feed `onMessage` with server messages for ever.
 *
 * Deltas are handed on only if they follow the version before; after a gap a snapshot
 * is asked for and deltas are dropped until it comes. `onState` hears "on" or "off".
 */
export class TopologySocket {
  constructor(path, { onMessage, onState }) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.url = `${scheme}//${location.host}${path}`;
    this.onMessage = onMessage;
    this.onState = onState;
    this.version = null;
    this.waitMs = FIRST_WAIT_MS;
    this.heardAt = performance.now();
    this.connect();
  }

  /** Seconds since anything was heard. */
  silence() {
    return (performance.now() - this.heardAt) / 1000;
  }

  connect() {
    this.version = null;
    this.socket = new WebSocket(this.url);
    this.socket.addEventListener("open", () => { this.waitMs = FIRST_WAIT_MS; });
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.closed(event.code));
  }

  take(message) {
    this.heardAt = performance.now();
    if (message.type === "snapshot") {
      this.version = message.version;
      this.onState("on");
    } else if (message.type === "delta") {
      if (this.version === null) return;
      if (message.version !== this.version + 1) {
        this.version = null;
        this.socket.send(JSON.stringify({ type: "resync" }));
        return;
      }
      this.version = message.version;
    }
    this.onMessage(message);
  }

  closed(code) {
    this.onState("off");
    if (code === 4401 || code === 4403) {
      location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    const jitter = 0.5 + Math.random() / 2;
    setTimeout(() => this.connect(), this.waitMs * jitter);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
  }
}
