// In front of the meeting: why one waits, since when, and when it begins and ends.

import type { Language } from "../protocol";
import type { Words } from "../words";
import { button, el } from "./dom";

/** When the meeting opens and ends, as the gateway says it (RFC 3339). */
export interface Plan {
  opensAt?: string;
  endsAt?: string;
}

/** What stands below the reason: a word and a time each, in the reader's language and time zone. */
export function times(plan: Plan, since: Date, now: Date, words: Words, language: Language, zone?: string): [string, string][] {
  const at = (style: Intl.DateTimeFormatOptions, time: Date): string => new Intl.DateTimeFormat(language, { ...style, timeZone: zone }).format(time);
  const long = (text: string): string => at({ dateStyle: "full", timeStyle: "short" }, new Date(text));
  const opens: [string, string][] = plan.opensAt && new Date(plan.opensAt) > now ? [[words.opens, long(plan.opensAt)]] : [];
  const ends: [string, string][] = plan.endsAt ? [[words.ends, long(plan.endsAt)]] : [];
  return [...opens, ...ends, [words.waitingSince, at({ timeStyle: "short" }, since)]];
}

export function waitingView(words: Words, why: string, lines: [string, string][], leave: () => void): HTMLElement {
  const list = el("dl", { class: "times" }, ...lines.map(([word, time]) => el("div", {}, el("dt", {}, word), el("dd", {}, time))));
  return el("main", { class: "stack narrow" }, el("h1", { class: "kern-heading-large" }, words.waitingTitle),
    el("p", { class: "kern-body", role: "status" }, why), list, button(words.leave, leave));
}
