// Who calls, by which trunk, and when: the same for a call that is tried and for the coverage of numbers.

import { button, el } from "../../view/dom";
import { checkbox, labelled } from "../view";
import type { PlanWords } from "./words";

export interface Circumstances {
  caller: string;
  /** For whom the trunk vouches, who diverted the call, and the language of the telephone: few rules ask for these, so they stand behind a disclosure. */
  asserted: string;
  diversion: string;
  accepts: string;
  more: boolean;
  trunk: string;
  secure: boolean;
  day: string;
  minute: number;
}

/** Steps of the slider, in minutes. */
const STEP = 15;
const DAY = 24 * 60;

export function anyCall(): Circumstances {
  return { caller: "", asserted: "", diversion: "", accepts: "", more: false, trunk: "", secure: false, ...nowAs() };
}

export function nowAs(): Pick<Circumstances, "day" | "minute"> {
  const now = new Date();
  return { day: dayOf(now), minute: now.getHours() * 60 + now.getMinutes() };
}

/** As the reader's calendar has it, not UTC's. */
export function dayOf(date: Date): string {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}

export function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** As the API is asked. */
export function asked(at: Circumstances): Record<string, unknown> {
  const { caller, asserted, diversion, accepts, trunk } = at;
  const said = Object.entries({ caller, asserted, diversion, accepts, trunk }).filter(([, text]) => text.trim());
  return { ...Object.fromEntries(said), secure: at.secure, at: `${at.day}T${clock(at.minute)}` };
}

export function circumstancesForm(prefix: string, at: Circumstances, trunks: string[], words: PlanWords, changed: () => void): HTMLElement {
  const caller = el("input", { type: "tel", autocomplete: "off", input: () => ((at.caller = caller.value), changed()) });
  caller.value = at.caller;
  const trunk = el("select", { change: () => ((at.trunk = trunk.value), changed()) }, el("option", { value: "" }, words.noTrunk), ...trunks.map((name) => el("option", { value: name }, name)));
  trunk.value = at.trunk;
  const secure = el("input", { change: () => ((at.secure = secure.checked), changed()) });
  const day = el("input", { type: "date", input: () => day.value && ((at.day = day.value), changed()) });
  const time = el("input", { type: "time", input: () => time.value && (setMinute(Number(time.value.slice(0, 2)) * 60 + Number(time.value.slice(3, 5))), changed()) });
  const slider = el("input", { type: "range", min: "0", max: String(DAY - STEP), step: String(STEP), class: "slider", "aria-label": words.time, input: () => (setMinute(Number(slider.value)), changed()) });
  const setMinute = (minute: number): void => {
    at.minute = minute;
    if (document.activeElement !== time) time.value = clock(minute);
    slider.value = String(minute);
    slider.setAttribute("aria-valuetext", clock(minute));
  };
  const now = button(words.now, () => {
    Object.assign(at, nowAs());
    day.value = at.day;
    setMinute(at.minute);
    changed();
  }, "tertiary kern-btn--x-small");
  const box = checkbox(`${prefix}-secure`, words.secure, secure);
  secure.checked = at.secure;
  day.value = at.day;
  setMinute(at.minute);
  return el("div", { class: "circumstances" },
    el("div", { class: "pair" }, labelled(`${prefix}-caller`, words.caller, caller, words.callerHint), labelled(`${prefix}-trunk`, words.trunk, trunk)), box, moreForm(prefix, at, words, changed),
    el("div", { class: "pair" }, labelled(`${prefix}-day`, words.day, day), labelled(`${prefix}-time`, words.time, time)),
    el("div", { class: "slide" }, slider, now));
}

/** What else the telephone network says of a call. */
function moreForm(prefix: string, at: Circumstances, words: PlanWords, changed: () => void): HTMLElement {
  const input = (name: "diversion" | "asserted" | "accepts", type: string, more: Record<string, string> = {}): HTMLElement => {
    const one = el("input", { type, autocomplete: "off", ...more, input: () => ((at[name] = one.value), changed()) });
    one.value = at[name];
    return labelled(`${prefix}-${name}`, words[name], one, words[`${name}Hint`]);
  };
  const box = el("details", { class: "more", toggle: () => (at.more = box.open) }, el("summary", {}, words.moreOfCall),
    el("div", { class: "pair" }, input("diversion", "tel"), input("asserted", "tel"), input("accepts", "text", { maxlength: "8", autocapitalize: "none", spellcheck: "false" })));
  box.open = at.more;
  return box;
}
