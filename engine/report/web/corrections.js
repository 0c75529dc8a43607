// Corrections: what a person changed and found right, kept in the browser, and written out as CSV or labelled JSON lines.
import { ExactNumberText, fieldName, leaves, parseExactly, shown, steps, writeExactly } from "./documents.js";

/** @typedef {{ objects?: any[], right?: boolean, changed?: string[] }} Correction */

/**
 * What was typed, as a value of the kind that stood there: texts stay texts, the rest is read as JSON where it is JSON.
 * @param {string} typed
 * @param {any} before
 * @param {boolean} texts whether the field holds texts elsewhere
 */
export function typedValue(typed, before, texts) {
  if (typeof before === "string" || (before === null && texts)) return typed;
  try {
    return parseExactly(typed);
  } catch {
    return typed;
  }
}

export class Corrections {
  /**
   * @param {import("./documents.js").Documents} documents
   */
  constructor(documents) {
    this._documents = documents;
    this._key = `report ${documents.header.digest}`;
    /** @type {Map<number, Correction>} */
    this._all = new Map();
    try {
      const kept = localStorage.getItem(this._key);
      if (kept) this._all = new Map(parseExactly(kept));
    } catch {
      // A browser may keep nothing of a file; corrections then last as long as the page.
    }
  }

  /**
   * @param {number} place
   * @returns {any[]} the document's objects as they are now
   */
  objects(place) {
    return this._all.get(place)?.objects ?? this._documents.at(place).objects;
  }

  /** @param {number} place */
  isRight(place) {
    return this._all.get(place)?.right === true;
  }

  /** @param {number} place */
  isChanged(place) {
    return this._all.get(place)?.objects !== undefined;
  }

  /**
   * @param {number} place
   * @param {string} pointer
   */
  isChangedAt(place, pointer) {
    return this._all.get(place)?.changed?.includes(pointer) === true;
  }

  get rightCount() {
    return [...this._all.values()].filter((one) => one.right).length;
  }

  /**
   * @param {number} place
   * @param {boolean} right
   */
  setRight(place, right) {
    this._update(place, { right });
  }

  /**
   * @param {number} place
   * @param {string} pointer
   * @param {any} value
   */
  setValue(place, pointer, value) {
    const objects = parseExactly(writeExactly(this.objects(place)));
    const path = steps(pointer);
    const last = /** @type {string} */ (path.pop());
    let holder = objects;
    for (const step of path) holder = holder[step];
    holder[last] = value;
    this._update(place, { objects, changed: this._changed(place, pointer) });
  }

  /**
   * Leaves a hole, so that pointers go on to say where the values of the others stand.
   * @param {number} place
   * @param {number} at
   */
  removeObject(place, at) {
    const objects = this.objects(place).map((one, index) => (index === at ? null : one));
    this._update(place, { objects, changed: this._changed(place, `/${at}`) });
  }

  /**
   * @param {number} place
   * @param {any} empty an object with all fields empty
   */
  addObject(place, empty) {
    const objects = [...this.objects(place), empty];
    this._update(place, { objects, changed: this._changed(place, `/${objects.length - 1}`) });
  }

  /** @param {number} place */
  undo(place) {
    this._all.delete(place);
    this._save();
  }

  /** @returns {string} documents that were found right, as labelled data */
  labelled() {
    const rows = [];
    for (const [place, one] of [...this._all].sort((a, b) => a[0] - b[0])) {
      const { id, text } = this._documents.at(place);
      if (!one.right || text === null) continue;
      const objects = this.kept(place);
      const answer = this._documents.header.many ? objects : (objects[0] ?? null);
      if (answer !== null) rows.push(writeExactly({ id: String(id), text, answer }));
    }
    return rows.map((row) => `${row}\n`).join("");
  }

  /**
   * @param {number} place
   * @returns {any[]} the objects that were not removed
   */
  kept(place) {
    return this.objects(place).filter((_, at) => !this.isRemoved(place, at));
  }

  /**
   * @param {number} place
   * @param {number} at
   */
  isRemoved(place, at) {
    return this.isChangedAt(place, `/${at}`) && this.objects(place)[at] === null;
  }

  /**
   * @param {number[]} places
   * @param {string[]} fields
   * @returns {string} one row an object; lists are JSON
   */
  table(places, fields) {
    const columns = [...new Set(fields.map((field) => field.split("/*")[0]))];
    const rows = [["document", "item", "right", ...columns.map(fieldName)]];
    for (const place of places) {
      const { id } = this._documents.index[place];
      for (const [item, value] of this.kept(place).entries()) {
        const cells = columns.map((column) => cell(steps(column).reduce((held, name) => held?.[name], value)));
        rows.push([String(id), String(item), String(this.isRight(place)), ...cells]);
      }
    }
    return rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
  }

  /**
   * @param {number} place
   * @param {string} pointer
   */
  _changed(place, pointer) {
    return [...(this._all.get(place)?.changed ?? []), pointer];
  }

  /**
   * @param {number} place
   * @param {Correction} change
   */
  _update(place, change) {
    this._all.set(place, { ...this._all.get(place), ...change });
    this._save();
  }

  _save() {
    try {
      localStorage.setItem(this._key, writeExactly([...this._all].map(([place, one]) => [place, { ...one }])));
    } catch {
      // See the constructor.
    }
  }
}

/**
 * An object of the same form with nothing in it.
 * @param {any} value
 * @returns {any}
 */
export function emptied(value) {
  if (Array.isArray(value)) return [];
  if (value === null || typeof value !== "object" || value instanceof ExactNumberText) return null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, emptied(member)]));
}

/** @param {any} value */
function cell(value) {
  return value === null || value === undefined ? "" : shown(value);
}

/** @param {string} text */
function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Whether a field holds texts in any of some objects.
 * @param {any[]} objects
 * @param {string} field
 */
export function holdsTexts(objects, field) {
  return objects.some((one) =>
    [...leaves(one, "")].some((leaf) => leaf.field === field && typeof leaf.value === "string"),
  );
}
