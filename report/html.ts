/** HTML and SVG text that cannot be broken by what is put into it. */

/** Text that is markup already. */
export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

export type Piece = Markup | string | number | undefined | false | readonly Piece[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function piece(value: Piece): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return (value as readonly Piece[]).map(piece).join("");
  return escape(String(value));
}

/** A time as people read it. @param iso ISO 8601, UTC */
export const moment = (iso: string): string => `${iso.replace("T", " ").slice(0, 19)} UTC`;

/** Marks results that say nothing of the lab as it is. */
export function otherConfiguration(configHash: string): Markup {
  return html`<p class="old">This was another configuration (${configHash.slice(0, 12)}).</p>`;
}

/** Markup from a template: what is filled in is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(strings.map((text, i) => text + piece(values[i])).join(""));
}
