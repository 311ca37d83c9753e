// The course of an edge: it leaves and enters level with the flow and swings past what
// stands between.

/** cytoscape counts distances to the left of the direction of an edge. */
const SIDE = -1;

/** Return the style that bends a cytoscape edge through its `via` points. */
export function bend(edge) {
  const [from, to] = ends(edge);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const weights = [];
  const distances = [];
  for (const point of controlPoints([from, ...edge.data("via"), to])) {
    const [px, py] = [point.x - from.x, point.y - from.y];
    weights.push((px * dx + py * dy) / length ** 2);
    distances.push(((px * dy - py * dx) / length) * SIDE);
  }
  return {
    "source-endpoint": "90deg", "target-endpoint": "270deg",
    "control-point-weights": weights, "control-point-distances": distances,
  };
}

function ends(edge) {
  const from = { ...edge.source().position() };
  const to = { ...edge.target().position() };
  from.x += edge.source().data("width") / 2;
  to.x -= edge.target().data("width") / 2;
  return [from, to];
}

/** Two controls between each two stops: level with the one, then with the other. */
function controlPoints(stops) {
  const controls = [];
  for (let i = 1; i < stops.length; i += 1) {
    const x = (stops[i - 1].x + stops[i].x) / 2;
    controls.push({ x, y: stops[i - 1].y }, { x, y: stops[i].y });
  }
  return controls;
}
