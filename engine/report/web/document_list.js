// Document list: any number of rows, of which only those in view are in the page.

const ROW = 48;

/**
 * @callback RowText
 * @param {number} place
 * @returns {{ title: string, notes: string[], right: boolean }}
 */

export class DocumentList {
  /**
   * @param {HTMLElement} box a listbox that scrolls
   * @param {RowText} describe
   * @param {(place: number) => void} choose
   */
  constructor(box, describe, choose) {
    this._box = box;
    this._describe = describe;
    this._rows = document.createElement("div");
    this._rows.className = "rows";
    this._rows.setAttribute("role", "presentation");
    box.replaceChildren(this._rows);
    /** @type {number[]} */
    this.places = [];
    this.current = -1;
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(box);
    box.addEventListener("click", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("[data-place]");
      if (row instanceof HTMLElement) choose(Number(row.dataset.place));
    });
  }

  /** @param {number[]} places */
  setPlaces(places) {
    this.places = places;
    this._rows.style.height = `${places.length * ROW}px`;
    this.draw();
  }

  /** @param {number} place */
  select(place) {
    this.current = place;
    const at = this.places.indexOf(place);
    if (at >= 0) {
      const top = at * ROW;
      const { scrollTop, clientHeight } = this._box;
      if (top < scrollTop) this._box.scrollTop = top;
      else if (top + ROW > scrollTop + clientHeight) this._box.scrollTop = top + ROW - clientHeight;
    }
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this._box.scrollTop / ROW) - 5);
    const last = Math.min(this.places.length, first + Math.ceil(this._box.clientHeight / ROW) + 10);
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this._row(at));
    this._rows.replaceChildren(...rows);
    const shown = this._rows.querySelector("[aria-selected=true]");
    if (shown) this._box.setAttribute("aria-activedescendant", shown.id);
    else this._box.removeAttribute("aria-activedescendant");
  }

  /** @param {number} at */
  _row(at) {
    const place = this.places[at];
    const { title, notes, right } = this._describe(place);
    const row = document.createElement("div");
    row.id = `row-${place}`;
    row.className = "row";
    row.dataset.place = String(place);
    row.style.top = `${at * ROW}px`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(place === this.current));
    row.setAttribute("aria-setsize", String(this.places.length));
    row.setAttribute("aria-posinset", String(at + 1));
    const name = document.createElement("span");
    name.className = "name";
    name.dir = "auto";
    name.textContent = (right ? "✓ " : "") + title;
    const note = document.createElement("span");
    note.className = "notes";
    note.textContent = notes.join(" · ");
    row.append(name, note);
    return row;
  }
}
