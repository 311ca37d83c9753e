// Where things stand: outside, routes, pipelines, workers, in columns. dagre orders
// them so that few lines cross.

import { Graph, layout } from "../vendor/dagre.esm.js";
import { collect } from "./collect.js";
import { centreColumns } from "./columns.js";

/**
 * Return { nodes: [{ id, kind, width, height, x, y, data }],
 * edges: [{ id, from, to, linkId, via }] }; `via` are points a long edge passes between
 * the nodes of other columns.
 */
export function arrange(state) {
  const parts = collect(state);
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 84, edgesep: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of parts.nodes) graph.setNode(id, { width, height });
  const depths = findDepths(parts.edges);
  const last = Math.max(3, ...depths.values());
  for (const { from, to, id, linkId } of parts.edges) {
    // Short ways from outside to the pipelines; the way to the workers takes the rest,
    // so that these stand in one column.
    const minlen = linkId ? 1 : last - (depths.get(from) ?? 2);
    graph.setEdge(from, to, { weight: linkId ? 8 : 1, minlen }, id);
  }
  placeLoners(graph, parts, last);
  layout(graph);
  for (const node of parts.nodes) {
    const { x, y } = graph.node(node.id);
    Object.assign(node, { x, y });
  }
  // Only between the nodes of a column does a long edge need a place of its own.
  const columns = new Set(parts.nodes.map(({ x }) => Math.round(x)));
  for (const edge of parts.edges) {
    const { points } = graph.edge(edge.from, edge.to, edge.id);
    edge.via = points.slice(1, -1).filter(({ x }) => columns.has(Math.round(x)));
  }
  if (parts.edges.every(({ via }) => via.length === 0)) centreColumns(parts);
  return parts;
}

/** Put workers and pipelines that nothing leads to into the columns of their kind. */
function placeLoners(graph, { nodes, edges }, last) {
  const led = new Set(edges.map((edge) => edge.to));
  for (const { id, kind } of nodes) {
    if (led.has(id) || kind === "external" || kind === "route") continue;
    const minlen = kind === "worker" ? last : 2;
    graph.setEdge("external", id, { weight: 0, minlen }, `align:${id}`);
  }
}

/** Return how many edges the longest way from outside to each node has. */
function findDepths(edges) {
  const before = new Map();
  for (const { from, to } of edges) {
    if (!before.has(to)) before.set(to, []);
    before.get(to).push(from);
  }
  const depths = new Map();
  const depth = (id) => {
    if (depths.has(id)) return depths.get(id);
    depths.set(id, 0); // what a way back to this node counts
    const start = id === "external" || before.has(id) ? 0 : 2;
    const found = Math.max(start, ...(before.get(id) ?? []).map((from) => 1 + depth(from)));
    depths.set(id, found);
    return found;
  };
  for (const { to } of edges) depth(to);
  return depths;
}
