// What is drawn: one node per route, pipeline and worker; one per group when there are
// more pipelines than anybody could look at.

const SIZES = {
  external: [128, 52], route: [150, 32], pipeline: [196, 56], group: [196, 56], worker: [236, 86],
};
const MOST_PIPELINES = 150;
const ROUTE_CHAR_PX = 7.4;
const [NARROWEST_ROUTE, WIDEST_ROUTE] = [84, 230];

/** Return { nodes, edges } without positions; edges of a route have its `linkId`. */
export function collect(state) {
  const drawing = new Drawing(state);
  drawing.add("external", "external", null);
  for (const worker of state.worker.values()) drawing.add(`w:${worker.id}`, "worker", worker);
  if (state.placement.size > MOST_PIPELINES) drawing.addGroups();
  else drawing.addPipelines();
  return drawing;
}

class Drawing {
  constructor(state) {
    this.state = state;
    this.nodes = [];
    this.edges = [];
  }

  add(id, kind, data, width = SIZES[kind][0]) {
    this.nodes.push({ id, kind, data, width, height: SIZES[kind][1] });
  }

  addPipelines() {
    const ids = new Map(); // "<group>/<pipeline>" to the nodes of its replicas
    for (const place of this.state.placement.values()) {
      const id = `p:${place.id}`;
      const key = `${place.group_id}/${place.pipeline_name.split("#")[0]}`;
      ids.set(key, [...(ids.get(key) ?? []), id]);
      this.add(id, "pipeline", place);
      this.lead(id, place.worker_id);
    }
    for (const link of this.state.link.values()) this.addRoute(link, ids);
  }

  addGroups() {
    for (const group of this.state.group.values()) {
      const id = `g:${group.group_id}`;
      this.add(id, "group", group);
      this.edges.push({ id: `in:${id}`, from: "external", to: id, linkId: id });
      const workers = new Set(group.pipelines.map((pipeline) => pipeline.worker_id));
      for (const worker of workers) this.lead(id, worker);
    }
  }

  addRoute(link, ids) {
    const nodesOf = (name) => ids.get(`${link.group_id}/${name}`) ?? [];
    const targets = nodesOf(link.to);
    const sources = link.from === "_external" ? ["external"] : nodesOf(link.from);
    if (!targets.length || !sources.length) return;
    const label = link.default ? "everything" : link.event_types.join("  ");
    const wanted = Math.max(NARROWEST_ROUTE, label.length * ROUTE_CHAR_PX + 34);
    const id = `r:${link.id}`;
    this.add(id, "route", { ...link, label }, Math.min(WIDEST_ROUTE, wanted));
    for (const from of sources) this.edges.push({ id: `${from}>${id}`, from, to: id, linkId: link.id });
    for (const to of targets) this.edges.push({ id: `${id}>${to}`, from: id, to, linkId: link.id });
  }

  lead(from, workerId) {
    if (!this.state.worker.has(workerId)) return;
    const to = `w:${workerId}`;
    this.edges.push({ id: `${from}>${to}`, from, to });
  }
}
