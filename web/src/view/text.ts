// Reading and writing along: a log of lines, what is being typed now, and a field whose letters are sent as they come. Who listens to a
// screen reader hears whole lines, not letters.

import type { Participant } from "../protocol";
import { type Line, Lines, NEW_LINE, Pace, difference, shown } from "../typing";
import type { Words } from "../words";
import { arrange, button, el, field } from "./dom";

export interface TextPanel {
  element: HTMLElement;
  /** Somebody else types. */
  type(who: Participant, text: string): void;
  left(who: number): void;
  /** Who this page is, and whether they may type. */
  show(me: Participant | undefined): void;
}

/** Letters are gathered for so long before they are sent. */
const GATHER = 60;

export function textPanel(words: Words, lines: Lines, send: (text: string) => boolean): TextPanel {
  const [log, typing] = [el("div", { class: "lines", role: "log", "aria-label": words.textLog }), el("div", { class: "typing", "aria-live": "off" })];
  const empty = el("p", { class: "kern-body kern-body--muted" }, words.textEmpty);
  const input = el("input", { type: "text", autocomplete: "off", maxlength: "1000" });
  const { box } = field("text", words.textYours, words.textHint, input);
  const pace = new Pace();
  let me: Participant | undefined;
  let [before, waiting, timer] = ["", "", 0];

  const flush = (): void => {
    timer = 0;
    const letters = [...waiting];
    const piece = letters.slice(0, pace.take(letters.length)).join("");
    if (piece && send(piece)) waiting = waiting.slice(piece.length);
    if (waiting) timer = window.setTimeout(flush, 300);
  };
  const say = (text: string): void => {
    if (!text || !me) return;
    lines.type(me.id, words.you, text, performance.now());
    waiting += text;
    timer ||= window.setTimeout(flush, GATHER);
    render();
  };
  input.addEventListener("input", () => {
    say(difference(before, input.value));
    before = input.value;
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    if (before) say(NEW_LINE);
    before = input.value = "";
  };
  const form = el("form", { class: "typed", submit }, box, button(words.textNext, () => {}, "secondary", { type: "submit" }));
  const element = el("section", { "aria-labelledby": "text-title", class: "text" }, el("h2", { class: "kern-heading-medium", id: "text-title" }, words.text), empty, log, typing, form);

  const rows = new Map<number, HTMLElement>();
  const row = (line: Line): HTMLElement => {
    const place = rows.get(line.key) ?? el("p", { class: "line" }, el("span", { class: "name" }), el("span", { class: "said" }));
    rows.set(line.key, place);
    const [name, said] = [place.firstElementChild, place.lastElementChild];
    if (name && name.textContent !== line.name) name.textContent = line.name;
    const text = shown(line.text, words.textLost);
    if (said && said.textContent !== text) said.textContent = text;
    return place;
  };
  const render = (): void => {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    arrange(log, lines.all.filter((line) => line.state !== "open").map(row));
    arrange(typing, lines.all.filter((line) => line.state === "open").map(row));
    const here = new Set(lines.all.map((line) => line.key));
    for (const key of [...rows.keys()]) if (!here.has(key)) rows.delete(key);
    empty.hidden = here.size > 0;
    // It stays in the page while it is empty: a reader hears what is put into what was there before.
    log.tabIndex = log.childElementCount === 0 ? -1 : 0;
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  const clock = setInterval(() => {
    if (!element.isConnected) return clearInterval(clock);
    if (lines.settle(performance.now())) render();
  }, 1_000);
  render();
  return {
    element,
    type: (who, text) => (lines.type(who.id, who.name, text, performance.now()), render()),
    left: (who) => (lines.left(who), render()),
    show: (now) => {
      me = now;
      // As for speaking: who only listens types with the floor. Muting is of sound.
      input.disabled = !now || (now.role === "listener" && now.mutedByModerator);
      input.placeholder = input.disabled ? words.textNotNow : "";
    },
  };
}
