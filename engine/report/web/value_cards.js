// Value cards: the objects of one document, each a card with a row for every value, which can be corrected in place.
import { emptied, holdsTexts, typedValue } from "./corrections.js";
import { fieldName, leaves, shown } from "./documents.js";
import { percent, shade } from "./text_view.js";

/**
 * @typedef {object} CardsView
 * @property {HTMLElement} pane
 * @property {import("./corrections.js").Corrections} corrections
 * @property {number} place
 * @property {import("./documents.js").ReportDocument} document
 * @property {(field: string) => number} hue
 * @property {() => void} changed
 */

/** @param {CardsView} view */
export function showCards(view) {
  const objects = view.corrections.objects(view.place);
  const cards = objects.flatMap((value, at) =>
    view.corrections.isRemoved(view.place, at) ? [] : [card(view, value, at)],
  );
  const parts = [...notes(view, cards.length), ...cards];
  if (objects.length > 0) {
    const empty = emptied(objects.find((value) => value !== null) ?? null);
    parts.push(button("Add an object", () => change(view, () => view.corrections.addObject(view.place, empty))));
  }
  view.pane.replaceChildren(...parts);
}

/**
 * @param {CardsView} view
 * @param {number} count
 */
function notes(view, count) {
  const { error, finish } = view.document;
  const found = [];
  if (error) found.push(note("error", `${error.type}: ${error.message}`));
  else if (count === 0) found.push(note("note", "No object."));
  if (finish === "budget") found.push(note("note", "The budget changed what was written."));
  if (finish === "loop") found.push(note("note", "Values that repeated themselves were ended."));
  return found;
}

/**
 * @param {string} kind
 * @param {string} text
 */
function note(kind, text) {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  return line;
}

/**
 * @param {CardsView} view
 * @param {any} value
 * @param {number} at
 */
function card(view, value, at) {
  const box = document.createElement("section");
  box.className = "card";
  const title = document.createElement("h3");
  title.textContent = `Object ${at + 1}`;
  const remove = button("Remove", () => change(view, () => view.corrections.removeObject(view.place, at)));
  remove.setAttribute("aria-label", `Remove object ${at + 1}`);
  title.append(remove);
  const rows = document.createElement("div");
  rows.className = "values";
  for (const leaf of leaves(value, `/${at}`)) rows.append(row(view, leaf));
  box.append(title, rows);
  return box;
}

/**
 * @param {CardsView} view
 * @param {import("./documents.js").Leaf} leaf
 */
function row(view, leaf) {
  const { pointer, field, value } = leaf;
  const { spans, confidence, cut } = view.document;
  const changed = view.corrections.isChangedAt(view.place, pointer);
  const line = document.createElement("div");
  line.className = "value";
  line.dataset.pointer = pointer;
  line.style.setProperty("--hue", String(view.hue(field)));
  line.style.setProperty("--shade", String(shade(confidence[pointer] ?? null)));
  const name = document.createElement("span");
  name.className = "field";
  const label = fieldName(pointer.replace(/^\/\d+/, ""));
  name.textContent = label;
  const held = button(value === null ? "–" : shown(value), () => edit(view, leaf, held));
  held.className = value === null ? "held empty" : "held";
  held.dir = "auto";
  held.setAttribute("aria-label", `${label}: ${value === null ? "nothing" : shown(value)}; correct it`);
  const marks = document.createElement("span");
  marks.className = "badges";
  if (changed) marks.append(badge("corrected"));
  else {
    if (pointer in confidence) marks.append(badge(percent(confidence[pointer])));
    if (cut.some((path) => pointer === path || pointer.startsWith(`${path}/`))) marks.append(badge("cut"));
    if (value !== null && spans[pointer] === null) marks.append(badge("not in the text"));
  }
  line.append(name, held, marks);
  return line;
}

/** @param {string} text */
function badge(text) {
  const mark = document.createElement("span");
  mark.className = "badge";
  mark.textContent = text;
  return mark;
}

/**
 * @param {string} text
 * @param {() => void} act
 */
function button(text, act) {
  const found = document.createElement("button");
  found.type = "button";
  found.textContent = text;
  found.addEventListener("click", act);
  return found;
}

/**
 * @param {CardsView} view
 * @param {() => void} act
 */
function change(view, act) {
  act();
  view.changed();
}

/**
 * A value becomes an input: Enter keeps what is in it, Escape what was, "no value" is null. What is selected in the text
 * meanwhile is put in.
 * @param {CardsView} view
 * @param {import("./documents.js").Leaf} leaf
 * @param {HTMLElement} held
 */
function edit(view, leaf, held) {
  const form = document.createElement("form");
  form.className = "editor";
  const input = document.createElement("input");
  input.value = leaf.value === null ? "" : shown(leaf.value);
  input.dir = "auto";
  input.setAttribute("aria-label", `Correct ${fieldName(leaf.field)}`);
  const keep = document.createElement("button");
  keep.textContent = "Keep";
  const set = (/** @type {any} */ value) =>
    change(view, () => view.corrections.setValue(view.place, leaf.pointer, value));
  const none = button("No value", () => set(null));
  form.append(input, keep, none);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const texts = holdsTexts(view.corrections.objects(view.place), leaf.field);
    set(typedValue(input.value, leaf.value, texts));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") view.changed();
    event.stopPropagation();
  });
  held.replaceWith(form);
  input.focus();
  input.select();
}
