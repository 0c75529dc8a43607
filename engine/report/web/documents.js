// Documents of a report: a header and one JSON text a document, which is parsed when it is first looked at.

/**
 * @typedef {any} Json a value of JSON; numbers whose spelling JavaScript would change are `ExactNumberText`
 *
 * @typedef {object} ReportDocument
 * @property {string | number} id
 * @property {string | null} text
 * @property {Json[]} objects
 * @property {Record<string, [number, number] | null>} spans by JSON pointer within `objects`, in code points
 * @property {Record<string, number>} confidence by JSON pointer
 * @property {string[]} cut JSON pointers
 * @property {string | null} finish
 * @property {{ type: string, message: string } | null} error
 *
 * @typedef {object} IndexEntry what the list shows of a document and filters ask, without parsing it
 * @property {string | number} id
 * @property {boolean} error
 * @property {boolean} cut
 * @property {boolean} absent a value that stands nowhere in the text
 * @property {number} objects how many
 * @property {number | null} confidence the least of its values
 *
 * @typedef {object} Leaf a value that is no list and no object with something in it
 * @property {string} pointer
 * @property {string} field the pointer with its indices as "*", without that of the object
 * @property {Json} value
 */

/** A number as it was written: 1.10, 12345678901234567890. */
export class ExactNumberText {
  /** @param {string} source */
  constructor(source) {
    this.source = source;
  }

  valueOf() {
    return Number(this.source);
  }
}

/**
 * JSON with numbers as they are spelled.
 * @param {string} text
 * @returns {any}
 */
export function parseExactly(text) {
  /** @type {(name: string, value: any, context?: { source?: string }) => any} */
  const revive = (_, value, context) =>
    typeof value === "number" && context?.source !== undefined && context.source !== String(value)
      ? new ExactNumberText(context.source)
      : value;
  return JSON.parse(text, revive);
}

/**
 * @param {any} value
 * @returns {string} JSON, each number as it was spelled
 */
export function writeExactly(value) {
  if (value instanceof ExactNumberText) return value.source;
  if (Array.isArray(value)) return `[${value.map(writeExactly).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${writeExactly(member)}`);
    return `{${members.join(", ")}}`;
  }
  return JSON.stringify(value);
}

/**
 * A value as people read it.
 * @param {any} value
 */
export function shown(value) {
  return typeof value === "string" ? value : writeExactly(value);
}

const HAS_MEMBERS = (/** @type {any} */ value) =>
  value !== null && typeof value === "object" && !(value instanceof ExactNumberText) && Object.keys(value).length > 0;

/** @param {string} name */
const escaped = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/**
 * @param {any} value
 * @param {string} pointer
 * @param {string} field
 * @returns {Generator<Leaf>}
 */
export function* leaves(value, pointer, field = "") {
  if (!HAS_MEMBERS(value)) {
    yield { pointer, field, value };
    return;
  }
  const list = Array.isArray(value);
  for (const [name, member] of Object.entries(value)) {
    yield* leaves(member, `${pointer}/${escaped(name)}`, `${field}/${list ? "*" : escaped(name)}`);
  }
}

/** @param {string} field */
export function fieldName(field) {
  const names = field.split("/").slice(1);
  return names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")).join(".") || "value";
}

/** @param {string} pointer */
export function steps(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * Places counted in code points, as places in a JavaScript string.
 * @param {string} text
 * @param {number[]} places
 * @returns {Map<number, number>}
 */
export function stringOffsets(text, places) {
  const wanted = [...new Set(places)].sort((one, other) => one - other);
  const found = new Map();
  let point = 0;
  let at = 0;
  for (const place of wanted) {
    while (point < place && at < text.length) {
      at += /** @type {number} */ (text.codePointAt(at)) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.set(place, at);
  }
  return found;
}

export class Documents {
  /** @param {string} data the header's line and those of the documents */
  constructor(data) {
    this._lines = data.trim().split("\n");
    this.header = JSON.parse(this._lines[0]);
    /** @type {IndexEntry[]} */
    this.index = this.header.index.map((/** @type {any[]} */ entry) => ({
      id: entry[0],
      error: (entry[1] & 1) > 0,
      cut: (entry[1] & 2) > 0,
      absent: (entry[1] & 4) > 0,
      objects: entry[2],
      confidence: entry[3],
    }));
  }

  get length() {
    return this.index.length;
  }

  /**
   * @param {number} place
   * @returns {ReportDocument}
   */
  at(place) {
    const found = parseExactly(this._lines[place + 1]);
    // Only the objects' own numbers are kept as they are spelled.
    for (const [pointer, sure] of Object.entries(found.confidence)) found.confidence[pointer] = Number(sure);
    return found;
  }
}
