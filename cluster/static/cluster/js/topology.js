// The topology page: one socket, one state, three views of it.

import { addCopyButtons } from "./copy.js";
import { TopologyGraph } from "./graph.js";
import { Overview } from "./overview.js";
import { TopologySocket } from "./socket.js";
import { TopologyState } from "./state.js";
import { Tables } from "./tables.js";

const TICK_MS = 500;

const root = document.querySelector("[data-topology]");
const state = new TopologyState();
const overview = new Overview(root, state);
const tables = new Tables(root, state);
const graph = new TopologyGraph(root.querySelector("[data-graph-panel]"), state);

addCopyButtons(root);

let isStale = false;

/** Draw at the next frame, once for all messages that came before it. */
function drawSoon() {
  if (isStale) return;
  isStale = true;
  requestAnimationFrame(() => {
    isStale = false;
    overview.draw();
    tables.draw();
    graph.draw();
  });
}

const socket = new TopologySocket(root.dataset.socket, {
  onMessage(message) {
    if (message.type === "event") overview.event(message.event);
    if (message.type === "heartbeat") overview.heartbeat(message);
    if (state.apply(message)) drawSoon();
  },
  onState(kind) {
    if (kind === "on") overview.showLive("on", "live");
    else overview.showLive("late", "reconnecting");
  },
});

setInterval(() => {
  overview.tick(socket.silence());
  tables.tick();
  graph.tick();
}, TICK_MS);
