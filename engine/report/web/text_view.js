// Text view: a document's text with the spans of its values marked. Everything is set as text, nothing is parsed as HTML.
import { fieldName, stringOffsets } from "./documents.js";

/**
 * @typedef {object} Mark
 * @property {string} pointer
 * @property {string} field
 * @property {number} hue
 * @property {number} start in code points
 * @property {number} end
 * @property {number | null} confidence
 */

/**
 * @typedef {object} Segment a piece of the text over which no span begins or ends
 * @property {string} text
 * @property {Mark[]} marks those that cover it, the shortest first
 */

/**
 * The text cut at the borders of all spans, which may overlap, be equal or be empty.
 * @param {string} text
 * @param {Mark[]} marks
 * @returns {Segment[]}
 */
export function segments(text, marks) {
  const offsets = stringOffsets(
    text,
    marks.flatMap((mark) => [mark.start, mark.end]),
  );
  const at = (/** @type {number} */ place) => offsets.get(place) ?? text.length;
  const borders = [...new Set([0, text.length, ...offsets.values()])].sort((one, other) => one - other);
  const opening = [...marks].sort((one, other) => one.start - other.start);
  /** @type {Mark[]} */
  let open = [];
  let next = 0;
  const found = [];
  for (let index = 0; index + 1 < borders.length; index += 1) {
    const [low, high] = [borders[index], borders[index + 1]];
    open = open.filter((mark) => at(mark.end) > low);
    while (next < opening.length && at(opening[next].start) <= low) {
      if (at(opening[next].end) > low) open.push(opening[next]);
      next += 1;
    }
    open.sort((one, other) => one.end - one.start - (other.end - other.start));
    found.push({ text: text.slice(low, high), marks: [...open] });
  }
  return found;
}

// Of longer texts the first letter with a direction decides for all lines: a megabyte would take ten seconds else.
const LONG = 100_000;

/**
 * @param {HTMLElement} pane
 * @param {string | null} text
 * @param {Mark[]} marks
 */
export function showText(pane, text, marks) {
  if (text === null) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = "The text is not at hand: the input of this run is gone, was a stream, or has changed since.";
    pane.replaceChildren(note);
    return;
  }
  pane.classList.toggle("by-line", text.length < LONG);
  const parts = segments(text, marks).map((segment) => {
    if (segment.marks.length === 0) return document.createTextNode(segment.text);
    const [first] = segment.marks;
    const mark = document.createElement("mark");
    mark.textContent = segment.text;
    mark.dataset.pointers = segment.marks.map((one) => one.pointer).join("\n");
    mark.title = segment.marks.map(described).join("; ");
    mark.classList.toggle("overlap", segment.marks.length > 1);
    mark.style.setProperty("--hue", String(first.hue));
    mark.style.setProperty("--other-hue", String(segment.marks.at(-1)?.hue));
    mark.style.setProperty("--shade", String(shade(first.confidence)));
    return mark;
  });
  pane.replaceChildren(...parts);
}

/** @param {Mark} mark */
function described(mark) {
  const sure = mark.confidence === null ? "" : `, ${percent(mark.confidence)} sure`;
  return fieldName(mark.field) + sure;
}

/** @param {number} confidence */
export function percent(confidence) {
  return `${Math.round(confidence * 100)} %`;
}

/**
 * How much of its colour a value has.
 * @param {number | null} confidence
 */
export function shade(confidence) {
  return confidence === null ? 1 : 0.25 + 0.75 * confidence;
}
