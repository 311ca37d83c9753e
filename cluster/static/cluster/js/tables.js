// The tables below the graph: the same facts in words.

import { fill, showStatus, syncChildren } from "./fields.js";
import { shortNumber, workerNote } from "./state.js";

const collator = new Intl.Collator("en", { numeric: true });

/** Keeps the tables of workers and groups current. */
export class Tables {
  constructor(root, state) {
    this.state = state;
    this.root = root;
    this.workerRows = root.querySelector("[data-workers] [data-rows]");
    this.groups = root.querySelector("[data-groups]");
    const template = (name) => root.querySelector(`[data-template="${name}"]`);
    this.templates = {
      worker: template("worker"), placement: template("placement"), group: template("group"),
    };
  }

  draw() {
    const { state, templates } = this;
    const workers = [...state.worker.values()].sort((a, b) => collator.compare(a.id, b.id));
    syncChildren(this.workerRows, "key", templates.worker,
      workers.map((node) => [node.id, node]), (row, node) => this.fillWorker(row, node));
    syncChildren(this.groups, "group", templates.group,
      [...state.group.values()].map((node) => [node.group_id, node]),
      (article, node) => this.fillGroup(article, node));
    this.showNone("workers", state.worker.size);
    this.showNone("groups", state.group.size);
    this.tick();
  }

  /** Ages and rates, which change without the drawing changing. */
  tick() {
    for (const row of this.workerRows.children) this.tickWorker(row);
    for (const article of this.groups.children) {
      for (const row of article.querySelectorAll("tbody > tr")) this.tickPlacement(row);
    }
  }

  fillWorker(row, node) {
    const placed = [...this.state.placement.values()]
      .filter((item) => item.worker_id === node.id).map((item) => item.pipeline_name);
    fill(row, {
      id: node.id, address: node.address, note: workerNote(node),
      room: `of ${node.max_pipelines}`, pipelines: placed.join(", "),
    });
    showStatus(row, node.status);
  }

  tickWorker(row) {
    const id = row.dataset.key;
    const node = this.state.worker.get(id);
    if (!node) return;
    const rates = this.state.workerRates.get(id);
    const age = this.state.age(id);
    fill(row, {
      age: age === null ? "–" : `${age.toFixed(age < 100 ? 1 : 0)} s`,
      load: rates?.pipelines ?? node.pipelines_running,
      rate: rates ? shortNumber(rates.in) : "–",
      cpu: typeof rates?.cpu === "number" ? `${Math.round(rates.cpu)} %` : "–",
    });
  }

  fillGroup(article, node) {
    fill(article, { group_name: node.group_name, group_id: node.group_id });
    showStatus(article, node.status);
    const links = this.state.linksOf(node.group_id);
    const rows = this.state.placementsOf(node.group_id).map((item) => [item.id, item]);
    syncChildren(article.querySelector("[data-rows]"), "key", this.templates.placement, rows,
      (row, item) => this.fillPlacement(row, item, links));
  }

  fillPlacement(row, item, links) {
    const name = item.pipeline_name.split("#")[0];
    const routes = links.filter((link) => link.to === name).map((link) => {
      const types = link.event_types.join(", ") || "everything, by default";
      return link.from === "_external" ? types : `${types} from ${link.from}`;
    });
    fill(row, {
      pipeline_name: item.pipeline_name, error: item.error ?? "",
      worker: item.worker_id ?? "no worker", reason: item.reason, routes: routes.join(" · "),
    });
    showStatus(row, item.status);
    row.dataset.links = links.filter((link) => link.to === name).map((link) => link.id).join(" ");
  }

  tickPlacement(row) {
    const figures = (row.dataset.links ?? "").split(" ").map((id) => this.state.linkRates.get(id));
    const known = figures.find((item) => item !== undefined);
    fill(row, { rate: known ? shortNumber(known.rate) : "–" });
  }

  showNone(name, count) {
    this.root.querySelector(`[data-none="${name}"]`).hidden = count > 0;
  }
}
