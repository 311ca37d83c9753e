// The cards on the graph: one element per node, filled with text, never with markup.

import { shortNumber } from "./state.js";

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function shape() {
  return element("span", "shape");
}

function value(name) {
  const made = element("b");
  made.dataset.value = name;
  return made;
}

function line(name, label) {
  return element("span", "card-line", element("span", "", label), value(name));
}

const BUILD = {
  external: () => [
    element("span", "card-title", element("span", "", "Events")),
    element("span", "card-line", value("rate")),
  ],
  route: (node) => [element("span", "", node.data.label)],
  pipeline: (node) => [
    element("span", "card-title", shape(), element("span", "", node.data.pipeline_name)),
    line("rate", node.groupName),
  ],
  group: (node) => [
    element("span", "card-title", shape(), element("span", "", node.data.group_name)),
    element("span", "card-line", `${node.data.pipelines.length} pipelines`),
  ],
  worker: (node) => [
    element("span", "card-title", shape(), element("span", "", node.data.id),
      element("span", "card-word", node.data.status)),
    element("span", "card-line mono", element("span", "", node.data.address.replace(/^https?:\/\//, "")), value("age")),
    element("span", "card-line", value("load"), value("cpu")),
    element("span", "meter", element("i")),
  ],
};

/** Return the card of a node. */
export function buildCard(node) {
  const card = element("div", `card card-${node.kind}`, ...BUILD[node.kind](node));
  card.style.width = `${node.width}px`;
  card.style.height = `${node.height}px`;
  card.dataset.node = node.id;
  if (node.data?.status) card.dataset.status = node.data.status.toLowerCase();
  if (node.data?.default) card.classList.add("is-default");
  card.title = title(node);
  return card;
}

function title(node) {
  if (node.kind === "pipeline") return [node.data.pipeline_name, node.data.status, node.data.reason, node.data.error].filter(Boolean).join(" · ");
  if (node.kind === "worker") return `${node.data.id} · ${node.data.status} · ${node.data.address}`;
  if (node.kind === "group") return `${node.data.group_name} · ${node.data.status}`;
  return node.kind === "route" ? node.data.label : "events from outside";
}

/** Write the newest figures into a card. */
export function tickCard(card, node, state) {
  const figures = FIGURES[node.kind]?.(node, state) ?? {};
  for (const [name, text] of Object.entries(figures)) {
    const target = card.querySelector(`[data-value="${name}"]`);
    if (target && target.textContent !== text) target.textContent = text;
  }
  if (node.kind === "worker") {
    const cpu = state.workerRates.get(node.data.id)?.cpu ?? 0;
    card.querySelector(".meter > i").style.width = `${Math.min(100, cpu)}%`;
  }
}

const perSecond = (value) => `${shortNumber(value)}/s`;

const FIGURES = {
  external: (_, state) => ({ rate: perSecond(state.eventsPerSecond ?? 0) }),
  pipeline: (node, state) => {
    const known = (node.linkIds ?? []).map((id) => state.linkRates.get(id)).find(Boolean);
    return { rate: perSecond(known?.rate ?? 0) };
  },
  worker: (node, state) => {
    const rates = state.workerRates.get(node.data.id);
    const age = state.age(node.data.id);
    const running = rates?.pipelines ?? node.data.pipelines_running;
    return {
      load: `${running} of ${node.data.max_pipelines} pipelines`,
      age: age === null ? "" : `${age.toFixed(age < 100 ? 1 : 0)} s ago`,
      cpu: typeof rates?.cpu === "number" ? `${Math.round(rates.cpu)} % CPU` : "",
    };
  },
};
