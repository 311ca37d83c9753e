// The graph: dagre says where, cytoscape draws the lines and moves the view, and cards
// stand on top of its nodes.

import cytoscape from "../vendor/cytoscape.esm.min.mjs";
import { buildCard, tickCard } from "./cards.js";
import { bend } from "./curve.js";
import { arrange } from "./layout.js";

const LEAST_ZOOM = 0.12;
const LARGEST_FIT = 1.05;
const LEAST_FIT = 0.6; // smaller cannot be read: then the left end is shown
const MARGIN_PX = 26;
const HEIGHTS = { least: 300, most: 620 };

/** Draws the state into `panel`; nothing is drawn while there is nothing to draw. */
export class TopologyGraph {
  constructor(panel, state) {
    this.panel = panel;
    this.state = state;
    this.box = panel.querySelector("[data-graph]");
    this.layer = panel.querySelector("[data-cards]");
    this.cards = new Map();
    this.cy = null;
    this.isMoved = false;
    panel.querySelector(".tools").addEventListener("click", (event) => this.zoom(event));
    new ResizeObserver(() => this.resized()).observe(panel);
    document.addEventListener("themechange", () => this.restyle());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
  }

  draw() {
    this.panel.hidden = this.state.worker.size === 0 && this.state.placement.size === 0;
    if (this.panel.hidden) return;
    const parts = arrange(this.state);
    for (const node of parts.nodes) this.addLinks(node);
    this.setHeight(parts.nodes);
    this.open();
    this.place(parts);
    this.restyle();
    if (!this.isMoved) this.fit();
    this.tick();
  }

  tick() {
    for (const { card, node } of this.cards.values()) tickCard(card, node, this.state);
    if (!this.cy) return;
    for (const edge of this.cy.edges("[linkId]")) {
      const rate = this.state.linkRates.get(edge.data("linkId"))?.rate ?? 0;
      edge.toggleClass("is-busy", rate > 0);
    }
  }

  open() {
    if (this.cy) return;
    this.cy = cytoscape({
      container: this.box, minZoom: LEAST_ZOOM, maxZoom: 2.5,
      autoungrabify: true, autounselectify: true, boxSelectionEnabled: false,
      userZoomingEnabled: false, style: [],
    });
    this.box.append(this.layer);
    this.cy.on("pan zoom resize", () => this.follow());
    this.cy.on("dragpan pinchzoom", () => { this.isMoved = true; });
    this.cy.on("mouseover tap", "node", (event) => this.focus(event.target));
    this.cy.on("mouseout", "node", () => this.focus(null));
    this.cy.on("tap", (event) => { if (event.target === this.cy) this.focus(null); });
    this.box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  place({ nodes, edges }) {
    const { cy } = this;
    cy.batch(() => {
      cy.elements().remove();
      cy.add(nodes.map((node) => ({
        group: "nodes", position: { x: node.x, y: node.y },
        data: { id: node.id, width: node.width, height: node.height },
      })));
      cy.add(edges.map(({ id, from, to, linkId, via }) => ({
        group: "edges", data: { id, source: from, target: to, via, ...(linkId && { linkId }) },
      })));
    });
    this.cards = new Map(nodes.map((node) => {
      const card = buildCard(node);
      card.style.left = `${node.x}px`;
      card.style.top = `${node.y}px`;
      return [node.id, { card, node }];
    }));
    this.layer.replaceChildren(...[...this.cards.values()].map(({ card }) => card));
    for (const edge of cy.edges()) edge.style(bend(edge));
    this.follow();
  }

  addLinks(node) {
    if (node.kind !== "pipeline") return;
    const { group_id: groupId, pipeline_name: name } = node.data;
    node.groupName = this.state.group.get(groupId)?.group_name ?? "";
    node.linkIds = this.state.linksOf(groupId)
      .filter((link) => link.to === name.split("#")[0]).map((link) => link.id);
  }

  restyle() {
    if (!this.cy) return;
    const colours = getComputedStyle(this.panel);
    const colour = (name) => colours.getPropertyValue(name).trim();
    this.cy.style([
      { selector: "node", style: { shape: "round-rectangle", width: "data(width)", height: "data(height)", "background-opacity": 0, "border-width": 0, events: "yes" } },
      { selector: "edge", style: { "curve-style": "unbundled-bezier", "edge-distances": "endpoints", width: 1.6, "line-color": colour("--line-strong"), "target-arrow-color": colour("--line-strong"), "target-arrow-shape": "triangle", "arrow-scale": 0.8 } },
      { selector: "edge.is-busy", style: { "line-color": colour("--spark"), "target-arrow-color": colour("--spark"), width: 2.4 } },
      { selector: "edge.is-far", style: { opacity: 0.18 } },
      { selector: "edge.is-near", style: { width: 2.6, "line-color": colour("--brand-ink"), "target-arrow-color": colour("--brand-ink") } },
    ]);
    for (const edge of this.cy.edges()) edge.style(bend(edge));
  }

  focus(node) {
    const near = node ? node.union(node.predecessors()).union(node.successors()) : null;
    this.layer.classList.toggle("has-focus", near !== null);
    for (const [id, { card }] of this.cards) {
      card.classList.toggle("is-near", near?.getElementById(id).nonempty() ?? false);
    }
    this.cy.edges().removeClass("is-near is-far");
    if (!near) return;
    near.edges().addClass("is-near");
    this.cy.edges().difference(near.edges()).addClass("is-far");
  }

  follow() {
    const { x, y } = this.cy.pan();
    this.layer.style.transform = `translate(${x}px, ${y}px) scale(${this.cy.zoom()})`;
  }

  fit() {
    this.cy.resize();
    this.cy.fit(undefined, MARGIN_PX);
    const whole = this.cy.zoom();
    this.cy.zoom(Math.max(LEAST_FIT, Math.min(LARGEST_FIT, whole)));
    this.cy.center();
    const box = this.cy.elements().boundingBox();
    if (whole < LEAST_FIT) {
      this.cy.pan({ x: MARGIN_PX - box.x1 * LEAST_FIT, y: this.cy.pan().y });
    }
    this.isMoved = false;
  }

  zoom(event) {
    const kind = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (!kind || !this.cy) return;
    if (kind === "fit") { this.fit(); return; }
    this.zoomBy(kind === "in" ? 1.25 : 0.8, { x: this.box.clientWidth / 2, y: this.box.clientHeight / 2 });
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
    event.preventDefault();
    const box = this.box.getBoundingClientRect();
    this.zoomBy(Math.exp(-event.deltaY / 300), { x: event.clientX - box.left, y: event.clientY - box.top });
  }

  zoomBy(factor, renderedPosition) {
    this.cy.zoom({ level: this.cy.zoom() * factor, renderedPosition });
    this.isMoved = true;
  }

  resized() {
    if (this.cy && !this.panel.hidden && !this.isMoved) this.fit();
  }

  setHeight(nodes) {
    const far = (axis, size) => Math.max(...nodes.map((node) => node[axis] + node[size] / 2));
    const fitting = (this.box.clientWidth - 2 * MARGIN_PX) / far("x", "width");
    const scale = Math.max(LEAST_FIT, Math.min(LARGEST_FIT, fitting));
    const wanted = far("y", "height") * scale + 2 * MARGIN_PX;
    const height = Math.round(Math.min(HEIGHTS.most, Math.max(HEIGHTS.least, wanted)));
    this.box.style.setProperty("--graph-height", `${height}px`);
  }
}
