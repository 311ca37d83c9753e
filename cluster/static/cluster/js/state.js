// What the page knows of the cluster: entries by kind and id, and the newest figures.

const ID_OF = {
  worker: (node) => node.id,
  group: (node) => node.group_id,
  placement: (node) => node.id,
  link: (node) => node.id,
};

/** Holds the topology; every method returns whether the drawing has to change. */
export class TopologyState {
  constructor() {
    this.worker = new Map();
    this.group = new Map();
    this.placement = new Map();
    this.link = new Map();
    this.workerRates = new Map();
    this.linkRates = new Map();
    this.eventsPerSecond = null;
    this.summary = null;
  }

  apply(message) {
    switch (message.type) {
      case "snapshot": return this.replace(message);
      case "delta": return this.change(message);
      case "rates": return this.rate(message);
      default: return false;
    }
  }

  /** Seconds since a worker was heard of, by our own clock from the server's figure. */
  age(workerId) {
    const seen = this.worker.get(workerId)?.heardAt;
    return seen === undefined ? null : (performance.now() - seen) / 1000;
  }

  placementsOf(groupId) {
    return [...this.placement.values()].filter((node) => node.group_id === groupId);
  }

  linksOf(groupId) {
    return [...this.link.values()].filter((node) => node.group_id === groupId);
  }

  replace({ topology, summary }) {
    const lists = {
      worker: topology.workers, group: topology.groups,
      placement: topology.placements, link: topology.links,
    };
    for (const [kind, list] of Object.entries(lists)) {
      this[kind] = new Map(list.map((node) => [ID_OF[kind](node), node]));
    }
    for (const node of this.worker.values()) this.stamp(node, node.heartbeat_age_seconds);
    this.summary = summary;
    return true;
  }

  change({ changes, summary }) {
    for (const { op, kind, id, value } of changes) {
      if (!(kind in ID_OF)) continue;
      if (op === "remove") {
        this[kind].delete(id);
      } else {
        const node = { ...this[kind].get(id), ...value };
        if (kind === "worker") this.stamp(node, value.heartbeat_age_seconds);
        this[kind].set(id, node);
      }
    }
    this.summary = summary;
    return true;
  }

  rate({ workers, links, events_per_second: total }) {
    for (const [id, figures] of Object.entries(workers)) {
      this.workerRates.set(id, figures);
      const node = this.worker.get(id);
      if (node) this.stamp(node, figures.age);
    }
    for (const [id, figures] of Object.entries(links)) this.linkRates.set(id, figures);
    this.eventsPerSecond = total;
    return false;
  }

  stamp(node, ageSeconds) {
    if (typeof ageSeconds === "number") node.heardAt = performance.now() - ageSeconds * 1000;
  }
}

/** 0, 3.4, 120, 4.2 k, 1.3 M: short enough for a card. */
export function shortNumber(value) {
  if (value === null || value === undefined) return "–";
  if (value < 10) return String(Math.round(value * 10) / 10);
  if (value < 1000) return String(Math.round(value));
  const [divisor, unit] = value < 1e6 ? [1e3, "k"] : [1e6, "M"];
  return `${(value / divisor).toPrecision(3)} ${unit}`;
}

/** What is wrong with a worker beyond its state, in words. */
export function workerNote(node) {
  if (!node.reachable) return "does not answer calls";
  if (node.cordoned) return "takes nothing new";
  return node.status_reason ?? "";
}
