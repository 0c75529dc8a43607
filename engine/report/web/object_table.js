// Object table: all objects of the documents that are shown, a row each, drawn as far as somebody scrolls.
import { fieldName, leaves, shown } from "./documents.js";
import { shade } from "./text_view.js";

const STEP = 100;

/**
 * @typedef {object} TableView
 * @property {HTMLElement} pane what scrolls
 * @property {import("./documents.js").Documents} documents
 * @property {import("./corrections.js").Corrections} corrections
 * @property {number[]} places
 * @property {string[]} fields
 * @property {(field: string) => number} hue
 * @property {(place: number, pointer: string) => void} choose
 */

/** @param {TableView} view */
export function showTable(view) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of ["document", ...view.fields.map(fieldName)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  let next = 0;
  const more = () => {
    const end = Math.min(view.places.length, next + STEP);
    for (; next < end; next += 1) addRows(view, body, view.places[next]);
  };
  more();
  view.pane.replaceChildren(table);
  view.pane.onscroll = () => {
    if (view.pane.scrollTop + 2 * view.pane.clientHeight > view.pane.scrollHeight) more();
  };
  window.onbeforeprint = () => {
    while (next < view.places.length) more();
  };
}

/**
 * @param {TableView} view
 * @param {HTMLTableSectionElement} body
 * @param {number} place
 */
function addRows(view, body, place) {
  const found = view.documents.at(place);
  view.corrections.objects(place).forEach((value, at) => {
    if (view.corrections.isRemoved(place, at)) return;
    const row = body.insertRow();
    const name = document.createElement("th");
    name.scope = "row";
    name.dir = "auto";
    const open = document.createElement("button");
    open.type = "button";
    open.textContent = String(found.id);
    open.addEventListener("click", () => view.choose(place, `/${at}`));
    name.append(open);
    row.append(name);
    const here = [...leaves(value, `/${at}`)];
    for (const field of view.fields) {
      const cell = row.insertCell();
      cell.dir = "auto";
      const of = here.filter((leaf) => leaf.field === field && leaf.value !== null);
      cell.textContent = of.map((leaf) => shown(leaf.value)).join("; ");
      const least = Math.min(...of.map((leaf) => found.confidence[leaf.pointer] ?? 1));
      if (of.length > 0) {
        cell.style.setProperty("--hue", String(view.hue(field)));
        cell.style.setProperty("--shade", String(shade(least)));
        cell.className = "filled";
      }
    }
  });
}
