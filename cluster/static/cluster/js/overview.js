// The head of the page: figures, problems, what happened last, and how fresh it all is.

import { fill } from "./fields.js";
import { shortNumber, workerNote } from "./state.js";

const SHOWN_EVENTS = 8;
const PERIOD_S = 5; // the server gives a sign of life that often
const LATE_PERIODS = 2;

/** Draws everything above and beside the graph. */
export class Overview {
  constructor(root, state) {
    this.state = state;
    this.root = root;
    this.sweepPeriod = Number(root.dataset.sweep);
    this.sweepAge = null;
    this.sweepHeard = 0;
    this.live = document.querySelector("[data-live]");
    this.banner = root.querySelector("[data-banner]");
    this.events = root.querySelector("[data-events]");
  }

  draw() {
    for (const [name, value] of Object.entries(this.state.summary ?? {})) {
      if (name !== "events_per_second") this.tile(name, value);
    }
    const isEmpty = this.state.worker.size === 0 && this.state.group.size === 0;
    this.root.dataset.empty = String(isEmpty);
    this.root.querySelector("[data-first-steps]").hidden = !isEmpty;
    this.root.querySelector("[data-twin]").hidden = isEmpty;
    this.problems();
  }

  tick(silence) {
    this.tile("events_per_second", shortNumber(this.state.eventsPerSecond));
    const late = silence > PERIOD_S * LATE_PERIODS;
    const sweep = this.sweepAge === null ? 0
      : this.sweepAge + (performance.now() - this.sweepHeard) / 1000;
    const sweepLate = sweep > this.sweepPeriod * LATE_PERIODS + PERIOD_S;
    this.banner.hidden = !late && !sweepLate;
    if (late) {
      this.banner.textContent = `Nothing was heard from the coordinator for ${Math.round(silence)} s. What you see may be old.`;
    } else if (sweepLate) {
      this.banner.textContent = `The last look at the whole cluster was ${Math.round(sweep)} s ago. Workers that fell silent since may still look ready.`;
    }
    if (late) this.showLive("late", "connection lost");
  }

  showLive(kind, text) {
    this.live.dataset.live = kind;
    this.live.querySelector("[data-live-text]").textContent = text;
  }

  heartbeat(message) {
    this.sweepAge = message.sweep_age_seconds;
    this.sweepHeard = performance.now();
  }

  tile(name, value) {
    const element = this.root.querySelector(`[data-tile="${name}"]`);
    if (element && element.textContent !== String(value)) element.textContent = value;
  }

  problems() {
    const found = [];
    for (const node of this.state.worker.values()) {
      if (node.status === "unhealthy" || !node.reachable) {
        const note = workerNote(node);
        found.push(["unhealthy", `${node.id} at ${node.address}${note ? `: ${note}` : ""}`]);
      }
    }
    for (const node of this.state.placement.values()) {
      if (node.status !== "Failed") continue;
      const group = this.state.group.get(node.group_id)?.group_name ?? "";
      found.push(["failed", `${node.pipeline_name} of ${group}${node.error ? `: ${node.error}` : ""}`]);
    }
    const list = this.root.querySelector("[data-problem-list]");
    list.replaceChildren(...found.map(([status, text]) => problemItem(status, text)));
    this.root.querySelector("[data-problems]").hidden = found.length === 0;
  }

  event({ at, severity, type, message }) {
    const item = document.createElement("li");
    item.dataset.severity = severity;
    item.className = "is-new";
    const time = Object.assign(document.createElement("time"), {
      dateTime: at, textContent: at.slice(11, 19),
    });
    const code = Object.assign(document.createElement("code"), { textContent: type });
    const text = Object.assign(document.createElement("span"), { textContent: message });
    item.append(time, code, text);
    this.events.prepend(item);
    while (this.events.children.length > SHOWN_EVENTS) this.events.lastElementChild.remove();
    this.root.querySelector('[data-none="events"]').hidden = true;
  }
}

function problemItem(status, text) {
  const item = document.createElement("li");
  const mark = document.createElement("span");
  mark.className = "status";
  mark.dataset.status = status;
  const shape = document.createElement("span");
  shape.className = "shape";
  const word = document.createElement("span");
  word.dataset.field = "status";
  mark.append(shape, word);
  fill(mark, { status });
  item.append(mark, Object.assign(document.createElement("span"), { textContent: text }));
  return item;
}
