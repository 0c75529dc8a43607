// Report: the page. Documents on the left, the text with its values marked, and the objects beside it or all in one table.
import { Corrections } from "./corrections.js";
import { DocumentList } from "./document_list.js";
import { Documents, fieldName, leaves, shown } from "./documents.js";
import { showTable } from "./object_table.js";
import { percent, showText } from "./text_view.js";
import { showCards } from "./value_cards.js";

const DOUBTFUL = 0.5;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id} in the page`);
  return found;
}

const box = (/** @type {string} */ id) => element(id, HTMLElement);
const documents = new Documents(box("data").textContent ?? "");
const corrections = new Corrections(documents);
/** @type {string[]} */
const fields = documents.header.fields;
const fieldPlaces = new Map(fields.map((field, at) => [field, at]));
// Steps of the golden angle: neighbours differ, and no two of many fields are alike.
const hue = (/** @type {string} */ field) => ((fieldPlaces.get(field) ?? fields.length) * 137.5 + 230) % 360;

const search = element("search", HTMLInputElement);
const only = element("only", HTMLSelectElement);
const field = element("field", HTMLSelectElement);
const order = element("order", HTMLSelectElement);
const list = new DocumentList(box("documents"), describe, open);
let current = -1;
let inTable = false;

/** @param {number} place */
function describe(place) {
  const entry = documents.index[place];
  const notes = [entry.error ? "error" : `${entry.objects} ${entry.objects === 1 ? "object" : "objects"}`];
  if (entry.cut) notes.push("cut");
  if (entry.absent) notes.push("not in the text");
  if (entry.confidence !== null) notes.push(percent(entry.confidence));
  if (corrections.isChanged(place)) notes.push("corrected");
  return { title: String(entry.id), notes, right: corrections.isRight(place) };
}

/** @param {number} place */
function isDoubtful(place) {
  const { error, cut, absent, confidence } = documents.index[place];
  return error || cut || absent || (confidence !== null && confidence < DOUBTFUL);
}

/** @type {Record<string, (place: number) => boolean>} */
const KINDS = {
  all: () => true,
  doubtful: isDoubtful,
  error: (place) => documents.index[place].error,
  cut: (place) => documents.index[place].cut,
  absent: (place) => documents.index[place].absent,
  corrected: (place) => corrections.isChanged(place),
  unread: (place) => !corrections.isRight(place),
  right: (place) => corrections.isRight(place),
};

/**
 * @param {number} place
 * @param {string} wanted in lower case
 */
function holds(place, wanted) {
  if (wanted === "" || String(documents.index[place].id).toLowerCase().includes(wanted)) return true;
  const { text } = documents.at(place);
  if (text?.toLowerCase().includes(wanted)) return true;
  return values(place).some((leaf) => shown(leaf.value).toLowerCase().includes(wanted));
}

/** @param {number} place */
function values(place) {
  return corrections
    .objects(place)
    .flatMap((value, at) => (corrections.isRemoved(place, at) ? [] : [...leaves(value, `/${at}`)]));
}

function filter() {
  const wanted = search.value.toLowerCase();
  const has = (/** @type {number} */ place) =>
    field.value === "" || values(place).some((leaf) => leaf.field === field.value && leaf.value !== null);
  const places = documents.index
    .map((_, place) => place)
    .filter((place) => KINDS[only.value](place) && has(place) && holds(place, wanted));
  if (order.value === "confidence") {
    const sure = (/** @type {number} */ place) => documents.index[place].confidence ?? (isDoubtful(place) ? 0 : 1);
    places.sort((one, other) => sure(one) - sure(other));
  }
  list.setPlaces(places);
  box("count").textContent = `${places.length} of ${documents.length} documents`;
  if (inTable) drawTable();
  if (!places.includes(current)) open(places[0] ?? -1);
}

/** @param {number} place */
function open(place) {
  current = place;
  list.select(place);
  drawDocument();
  box("text").scrollTop = 0;
  box("cards").scrollTop = 0;
}

function drawDocument() {
  if (current < 0) {
    box("title").textContent = "No document";
    box("text").replaceChildren();
    box("cards").replaceChildren();
    return;
  }
  const found = documents.at(current);
  box("title").textContent = String(found.id);
  showText(box("text"), found.text, marks(found));
  showCards({ pane: box("cards"), corrections, place: current, document: found, hue, changed: afterChange });
  const right = element("right", HTMLButtonElement);
  right.setAttribute("aria-pressed", String(corrections.isRight(current)));
  element("undo", HTMLButtonElement).disabled = !corrections.isChanged(current);
  element("labelled", HTMLButtonElement).disabled = corrections.rightCount === 0;
  box("labelled").textContent = `Labelled data (${corrections.rightCount})`;
}

/**
 * The marks of values that are as they came out: a corrected one stands elsewhere.
 * @param {import("./documents.js").ReportDocument} found
 */
function marks(found) {
  return values(current).flatMap((leaf) => {
    const span = found.spans[leaf.pointer];
    if (!span || corrections.isChangedAt(current, leaf.pointer)) return [];
    if (field.value !== "" && leaf.field !== field.value) return [];
    const confidence = found.confidence[leaf.pointer] ?? null;
    return [
      { pointer: leaf.pointer, field: leaf.field, hue: hue(leaf.field), start: span[0], end: span[1], confidence },
    ];
  });
}

function afterChange() {
  drawDocument();
  list.draw();
}

function drawTable() {
  const choose = (/** @type {number} */ place, /** @type {string} */ pointer) => {
    setView(false);
    open(place);
    light(pointer, true);
  };
  const shownFields = field.value === "" ? fields : [field.value];
  showTable({ pane: box("table"), documents, corrections, places: list.places, fields: shownFields, hue, choose });
}

/** @param {boolean} table */
function setView(table) {
  inTable = table;
  box("document").hidden = table;
  box("table").hidden = !table;
  box("as-table").setAttribute("aria-pressed", String(table));
  if (table) drawTable();
}

// -- a value and its span light up together

/** @param {string} pointer */
function rowOf(pointer) {
  return [...box("cards").querySelectorAll(".value")].filter(
    (row) => row instanceof HTMLElement && `${row.dataset.pointer}/`.startsWith(`${pointer}/`),
  );
}

/** @param {string} pointer */
function marksOf(pointer) {
  return [...box("text").querySelectorAll("mark")].filter((mark) =>
    mark.dataset.pointers?.split("\n").includes(pointer),
  );
}

/**
 * @param {string} pointers one a line; "" puts all out
 * @param {boolean} scroll
 */
function light(pointers, scroll = false) {
  for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  for (const pointer of pointers === "" ? [] : pointers.split("\n")) {
    const rows = rowOf(pointer);
    const found = marksOf(pointer);
    for (const one of [...rows, ...found]) one.classList.add("lit");
    if (scroll) for (const one of [rows[0], found[0]]) one?.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Event} event */
function pointersAt(event) {
  const at = /** @type {Element} */ (event.target).closest("[data-pointer], mark");
  if (!(at instanceof HTMLElement)) return "";
  return at.dataset.pointer ?? at.dataset.pointers ?? "";
}

for (const pane of [box("text"), box("cards")]) {
  pane.addEventListener("pointerover", (event) => light(pointersAt(event)));
  pane.addEventListener("pointerleave", () => light(""));
  pane.addEventListener("focusin", (event) => light(pointersAt(event), true));
  pane.addEventListener("click", (event) => light(pointersAt(event), true));
}

// What is selected in the text goes into the value that is being corrected.
box("text").addEventListener("pointerup", () => {
  const input = box("cards").querySelector(".editor input");
  const selected = String(getSelection());
  if (!(input instanceof HTMLInputElement) || selected === "") return;
  input.value = selected;
  input.focus();
});

// -- keyboard

/** @param {number} by */
function move(by) {
  const at = list.places.indexOf(current) + by;
  if (at >= 0 && at < list.places.length) open(list.places[at]);
}

/** The next doubtful value, in this document or the next that has one. */
function nextDoubtful() {
  const start = list.places.indexOf(current);
  const focused = document.activeElement?.closest(".value");
  const passed = focused instanceof HTMLElement ? (focused.dataset.pointer ?? "") : "";
  for (let at = Math.max(start, 0); at < list.places.length; at += 1) {
    const place = list.places[at];
    if (place !== current && !isDoubtful(place)) continue;
    const pointers = doubtfulPointers(place);
    const next = place === current ? pointers[pointers.indexOf(passed) + 1] : pointers[0];
    if (next === undefined) continue;
    if (place !== current) open(place);
    const row = rowOf(next)[0]?.querySelector(".held");
    if (row instanceof HTMLElement) row.focus();
    return;
  }
}

/** @param {number} place */
function doubtfulPointers(place) {
  const { spans, confidence, cut } = documents.at(place);
  return values(place)
    .filter(({ pointer, value }) => {
      if (corrections.isChangedAt(place, pointer)) return false;
      const absent = value !== null && spans[pointer] === null;
      return absent || (confidence[pointer] ?? 1) < DOUBTFUL || cut.some((path) => path === pointer);
    })
    .map((leaf) => leaf.pointer);
}

function toggleRight() {
  if (current < 0) return;
  corrections.setRight(current, !corrections.isRight(current));
  afterChange();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  d: nextDoubtful,
  r: toggleRight,
  t: () => setView(!inTable),
  "/": () => search.focus(),
  "?": () => element("help", HTMLDialogElement).showModal(),
};

document.addEventListener("keydown", (event) => {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (at instanceof HTMLInputElement || at instanceof HTMLSelectElement) {
    if (event.key === "Escape") at.blur();
    return;
  }
  const scrolls = at instanceof Element && at.closest("#text, #cards, #table");
  if (scrolls && event.key.startsWith("Arrow")) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

// -- files

/**
 * @param {string} name
 * @param {string} kind
 * @param {string} text
 */
function save(name, kind, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

box("labelled").addEventListener("click", () => save("labelled.jsonl", "application/jsonl", corrections.labelled()));
box("csv").addEventListener("click", () =>
  save("table.csv", "text/csv;charset=utf-8", corrections.table(list.places, fields)),
);
box("right").addEventListener("click", toggleRight);
box("undo").addEventListener("click", () => {
  corrections.undo(current);
  afterChange();
});
box("as-table").addEventListener("click", () => setView(!inTable));
box("show-help").addEventListener("click", KEYS["?"]);

for (const one of fields) field.add(new Option(fieldName(one), one));
search.addEventListener("input", filter);
for (const choice of [only, field, order]) {
  choice.addEventListener("change", () => {
    filter();
    drawDocument();
  });
}
filter();
