// What is open when, in one week: a table with a bar for each day, and with the same in words.

import type { Language } from "../../protocol";
import { button, el } from "../../view/dom";
import type { Api } from "../api";
import { empty, labelled, loading } from "../view";
import { dayOf } from "./circumstances";
import type { PlanModel } from "./model";
import { errorsNote, ruleLink } from "./tree";
import type { Row } from "./types";
import type { PlanWords } from "./words";

export function weekView(api: Api, model: PlanModel, at: { from: string }, language: Language, words: PlanWords, jump: (file: string, line: number) => void): { element: HTMLElement; run: () => void } {
  const place = el("div", {});
  let asks = 0;
  const run = (): void => void loading(place, language, async () => {
    const mine = ++asks;
    const found = await api.post<{ from: string; rows: Row[]; errors: number }>("/dialplan/week", { files: model.files, ...(at.from ? { from: at.from } : {}) });
    if (mine === asks) at.from = from.value = found.from;
    const rows = found.rows.map((row) => rowView(row, language, words, jump));
    const days = found.rows[0]?.days ?? [];
    if (days.length === 0) return [...errorsNote(found.errors, words), empty(words.noHours, words.noHoursText)];
    const head = el("tr", {}, el("th", { scope: "col" }, words.hours), ...days.map((day) => el("th", { scope: "col", class: day.date === dayOf(new Date()) ? "today" : "" }, dayName(day.date, language))));
    const caption = `${words.weekOf} ${new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(noon(found.from))}`;
    return [...errorsNote(found.errors, words), el("div", { class: "table-box", role: "region", tabindex: "0", "aria-label": caption }, el("table", { class: "week" }, el("caption", { class: "kern-sr-only" }, caption), el("thead", {}, head), el("tbody", {}, ...rows)))];
  });
  const from = el("input", { type: "date", change: () => from.value && ((at.from = monday(from.value)), run()) });
  const move = (days: number): void => {
    const date = noon(at.from);
    date.setDate(date.getDate() + days);
    at.from = dayOf(date);
    run();
  };
  const controls = el("div", { class: "week-controls" }, button(words.previous, () => move(-7), "secondary kern-btn--x-small"), labelled("week-from", words.weekOf, from), button(words.next, () => move(7), "secondary kern-btn--x-small"),
    button(words.thisWeek, () => ((at.from = ""), run()), "tertiary kern-btn--x-small"));
  run();
  return { element: el("div", { class: "stack" }, controls, place), run };
}

function noon(day: string): Date {
  return new Date(`${day}T12:00`);
}

/** The Monday of that day's week. */
export function monday(day: string): string {
  const date = noon(day);
  date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
  return dayOf(date);
}

function dayName(day: string, language: Language): string {
  return new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "numeric" }).format(noon(day));
}

function rowView(row: Row, language: Language, words: PlanWords, jump: (file: string, line: number) => void): HTMLElement {
  const whose = row.subject === "rule" ? `${words.ofRule} ` : "";
  const head = el("th", { scope: "row" }, whose, ruleLink(row.name, row.file, row.line, jump), el("span", { class: "zone" }, row.zone));
  const reasons = { holiday: words.holiday, closed: words.closedDay, otherwise: words.otherwise };
  const cell = (day: Row["days"][number]): HTMLElement => {
    const bar = el("div", { class: "bar", "aria-hidden": "true" }, ...day.open.map((open) => {
      const piece = el("span", {});
      piece.style.left = `${(open.start / day.minutes) * 100}%`;
      piece.style.width = `${((open.end - open.start) / day.minutes) * 100}%`;
      return piece;
    }));
    const times = day.open.length ? day.open.map((open) => el("span", { class: "opening" }, `${open.from}–${open.to}`)) : [el("span", { class: "quiet" }, words.closed)];
    const why = day.why ? [el("span", { class: `why ${day.why}` }, reasons[day.why])] : [];
    const changes = day.minutes === 1_440 ? [] : [el("span", { class: "why changes" }, day.minutes > 1_440 ? words.clockBack : words.clockForward)];
    return el("td", { class: day.open.length ? "open" : "shut", "data-name": dayName(day.date, language) }, bar, ...times, ...why, ...changes);
  };
  return el("tr", {}, head, ...row.days.map(cell));
}
