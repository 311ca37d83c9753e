// Fills the elements that a server-rendered row marks with data-field.

/** Write texts into the fields of `root`; fields that are already right stay alone. */
export function fill(root, texts) {
  for (const [name, text] of Object.entries(texts)) {
    const element = root.querySelector(`[data-field="${name}"]`);
    const wanted = String(text ?? "");
    if (element && element.textContent !== wanted) element.textContent = wanted;
  }
}

/** Show a status by word, shape and colour in the first status field of `root`. */
export function showStatus(root, status) {
  const element = root.querySelector("[data-status-field]");
  if (!element) return;
  element.dataset.status = status.toLowerCase();
  fill(element, { status });
}

/**
 * Bring the children of `parent` in line with `entries` ([key, value] in order).
 *
 * Children are matched by data-<attribute>; missing ones are cloned from `template`,
 * others removed. `update(child, value)` fills each.
 */
export function syncChildren(parent, attribute, template, entries, update) {
  const existing = new Map([...parent.children].map((el) => [el.dataset[attribute], el]));
  let before = null;
  for (const [key, value] of entries) {
    let child = existing.get(key);
    if (child) {
      existing.delete(key);
    } else {
      child = template.content.firstElementChild.cloneNode(true);
      child.dataset[attribute] = key;
    }
    const place = before ? before.nextElementSibling : parent.firstElementChild;
    if (child !== place) parent.insertBefore(child, place);
    update(child, value);
    before = child;
  }
  for (const leftover of existing.values()) leftover.remove();
}
