// Columns around one middle line, read from the right: workers by name, before each its
// pipelines, before these their routes. A pipeline has one worker, so no line to a worker
// crosses another, and the picture keeps its order when something moves.

const GAP_PX = 16;
const NOWHERE = Number.MAX_VALUE; // after everything that leads somewhere

/** Order, space and centre the columns of `nodes`; nodes are changed in place. */
export function centreColumns({ nodes, edges }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const column of columnsFromRight(nodes)) {
    const wanted = new Map(column.map((node) => [node, meanAfter(node, edges, byId)]));
    column.sort((a, b) => wanted.get(a) - wanted.get(b) || byName(a, b));
    space(column);
    follow(column, wanted);
  }
  const top = Math.min(...nodes.map(({ y, height }) => y - height / 2));
  for (const node of nodes) node.y -= top;
}

function columnsFromRight(nodes) {
  const columns = new Map();
  for (const node of nodes) {
    const x = Math.round(node.x);
    columns.set(x, [...(columns.get(x) ?? []), node]);
  }
  return [...columns].sort(([a], [b]) => b - a).map(([, column]) => column);
}

/** Where the nodes that this one leads to stand on average; last where it leads nowhere. */
function meanAfter(node, edges, byId) {
  if (node.kind === "worker") return 0;
  const after = edges.filter(({ from }) => from === node.id).map(({ to }) => byId.get(to));
  if (after.length === 0) return NOWHERE;
  return after.reduce((sum, { y }) => sum + y, 0) / after.length;
}

function byName(a, b) {
  return a.id.localeCompare(b.id, undefined, { numeric: true });
}

function space(column) {
  const total = column.reduce((sum, { height }) => sum + height + GAP_PX, -GAP_PX);
  let top = -total / 2;
  for (const node of column) {
    node.y = top + node.height / 2;
    top += node.height + GAP_PX;
  }
}

/** Put each node straight before what it leads to, if the whole column has room there. */
function follow(column, wanted) {
  const fits = column.every((node, at) => {
    if (node.kind === "worker" || wanted.get(node) === NOWHERE) return false;
    const above = column[at - 1];
    return !above || wanted.get(node) - wanted.get(above) >= (node.height + above.height) / 2;
  });
  if (fits) for (const node of column) node.y = wanted.get(node);
}
