// What pages of the console are made of beside the inputs that all pages have: problems in words, tables, dialogs, tabs.

import type { Language } from "../protocol";
import { alertBox, button, el } from "../view/dom";
import { Problem } from "./api";
import { WORDS } from "./words";

type Child = Node | string;

/** A problem in the gateway's words: what it is, what to do, and each field that is wrong. */
export function problemBox(problem: unknown, ...more: Node[]): HTMLElement {
  if (!(problem instanceof Problem)) throw problem;
  const { title, detail, errors = [] } = problem.told;
  const faults = errors.length ? [el("ul", { class: "faults" }, ...errors.map((fault) => el("li", {}, `${fault.field}: ${fault.message}`)))] : [];
  const body = [...(detail ? [el("p", { class: "kern-body" }, detail)] : []), ...faults, ...more];
  const box = alertBox("danger", title, ...(body.length ? [el("div", { class: "kern-alert__body" }, ...body)] : []));
  box.setAttribute("role", "alert");
  return box;
}

/** Which load of a place is the last: what an earlier one brings late is not shown. */
const turns = new WeakMap<HTMLElement, object>();

/** What is shown until something is there, and if it does not come: with a button to try again. */
export async function loading(place: HTMLElement, language: Language, load: () => Promise<Child[]>): Promise<void> {
  const mine = {};
  turns.set(place, mine);
  place.replaceChildren(el("p", { class: "kern-body quiet", role: "status" }, WORDS[language].loading));
  try {
    const content = await load();
    if (turns.get(place) === mine) place.replaceChildren(...content);
  } catch (problem) {
    if (turns.get(place) === mine) place.replaceChildren(problemBox(problem, button(WORDS[language].again, () => void loading(place, language, load), "secondary kern-btn--x-small")));
  }
}

export interface Column<T> {
  name: string;
  cell: (row: T) => Child;
  /** For numbers, and on small screens for what may go. */
  class?: string;
}

/** A table that becomes a list of cards where there is no room for columns. */
export function table<T>(caption: string, columns: Column<T>[], rows: T[], rowClass: (row: T) => string = () => ""): HTMLElement {
  const head = el("tr", {}, ...columns.map((column) => el("th", { scope: "col", class: column.class ?? "" }, column.name)));
  const row = (one: T): HTMLElement => el("tr", { class: rowClass(one) }, ...columns.map((column) => el("td", { class: column.class ?? "", "data-name": column.name }, column.cell(one))));
  return el("div", { class: "table-box", role: "region", "aria-label": caption, tabindex: "0" }, el("table", { class: "rows" }, el("caption", { class: "kern-sr-only" }, caption), el("thead", {}, head), el("tbody", {}, ...rows.map(row))));
}

export function badge(kind: "success" | "warning" | "danger" | "info", text: string): HTMLElement {
  return el("span", { class: `kern-badge kern-badge--${kind}` }, el("span", { class: "kern-label" }, text));
}

export function empty(title: string, text: string, ...more: Node[]): HTMLElement {
  return el("div", { class: "empty" }, el("p", { class: "kern-title" }, title), el("p", { class: "kern-body quiet" }, text), ...more);
}

/** A dialog that asks or shows. What is given back closes it. */
export function dialog(title: string, body: Child[], buttons: (close: () => void) => HTMLElement[], wide = false): { element: HTMLDialogElement; close: () => void } {
  const heading = el("h2", { class: "kern-title kern-title--large", id: "dialog-title", tabindex: "-1" }, title);
  const close = (): void => element.close();
  const element = el("dialog", { class: `kern-dialog ask${wide ? " wide" : ""}`, "aria-labelledby": "dialog-title", close: () => element.remove() },
    el("header", { class: "kern-dialog__header" }, heading), el("section", { class: "kern-dialog__body stack" }, ...body), el("footer", { class: "kern-dialog__footer" }, ...buttons(close)));
  document.body.append(element);
  element.showModal();
  heading.focus();
  return { element, close };
}

/** Asks before what is not easily undone. */
export function confirm(language: Language, title: string, text: string, yes: string, then: () => void): void {
  dialog(title, [el("p", { class: "kern-body" }, text)], (close) => [button(WORDS[language].cancel, close), button(yes, () => (close(), then()), "primary")]);
}

export interface Tab {
  id: string;
  name: string;
  panel: () => HTMLElement;
}

/** Tabs as WAI-ARIA has them: arrows move, the panel follows. */
export function tabs(label: string, all: Tab[], chosen: string, choose: (id: string) => void): { list: HTMLElement; panel: HTMLElement; show: (id: string) => void } {
  const panel = el("div", { class: "tab-panel", role: "tabpanel", tabindex: "0", id: `panel-${all[0]?.id ?? ""}` });
  const buttons = all.map((tab) => el("button", { type: "button", role: "tab", class: "tab", id: `tab-${tab.id}`, "aria-controls": panel.id, click: () => show(tab.id) }, tab.name));
  const list = el("div", { class: "tabs", role: "tablist", "aria-label": label }, ...buttons);
  const show = (id: string): void => {
    const at = Math.max(0, all.findIndex((tab) => tab.id === id));
    buttons.forEach((one, number) => {
      one.setAttribute("aria-selected", String(number === at));
      one.tabIndex = number === at ? 0 : -1;
    });
    const tab = all[at];
    if (!tab) return;
    panel.setAttribute("aria-labelledby", `tab-${tab.id}`);
    panel.replaceChildren(tab.panel());
    choose(tab.id);
  };
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    show(all[next]?.id ?? "");
    buttons[next]?.focus();
  });
  show(chosen);
  return { list, panel, show };
}

/** A labelled input of any kind, without a hint. */
export function labelled(id: string, label: string, input: HTMLElement, hint?: string): HTMLElement {
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  const kind = input instanceof HTMLSelectElement ? el("div", { class: "kern-form-input__select-wrapper" }, input) : input;
  input.classList.add(input instanceof HTMLSelectElement ? "kern-form-input__select" : "kern-form-input__input");
  return el("div", { class: "kern-form-input" }, el("label", { class: "kern-label", for: id }, label), ...(hint ? [el("div", { class: "kern-hint", id: `${id}-hint` }, hint)] : []), kind);
}

export function checkbox(id: string, label: string, input: HTMLInputElement): HTMLElement {
  input.id = id;
  input.type = "checkbox";
  input.className = "kern-form-check__checkbox";
  return el("div", { class: "kern-form-check" }, input, el("label", { class: "kern-label", for: id }, label));
}

/** A date and a time in the reader's language; by the clock of the zone that stands behind it (RFC 9557), else by the reader's own. */
export function moment(text: string | undefined, language: Language, style: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "short" }): string {
  if (!text) return "";
  const zone = /\[([^\]]+)\]$/.exec(text)?.[1];
  const time = new Date(text.replace(/\[.*\]$/, ""));
  return Number.isNaN(time.getTime()) ? text : new Intl.DateTimeFormat(language, { ...style, ...(zone ? { timeZone: zone } : {}) }).format(time);
}

/** Only the last of many wishes in quick succession is granted. */
export function debounced(milliseconds: number, then: () => void): () => void {
  let timer: number | undefined;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(then, milliseconds);
  };
}

/** Gives rows to the browser as a file that any spreadsheet reads. */
export function download(name: string, kind: string, text: string): void {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What begins with a sign that spreadsheets take for a formula is made text. */
export function csv(head: string[], rows: string[][]): string {
  const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
