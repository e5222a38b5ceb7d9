// Records of calls: which there were, what the dialplan did with each and why, and what was said on the wire.

import { button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { pathView } from "../plan/try_call";
import type { Step } from "../plan/types";
import { PLAN_WORDS, fill } from "../plan/words";
import { badge, download, empty, labelled, loading, moment, table } from "../view";
import { WORDS } from "../words";
import { type Message, ladder } from "./ladder";
import { PAGE_WORDS, type PageWords } from "./words";

interface Quality {
  codec: string;
  lostIn: number;
  ofIn: number;
  lostOut: number | null;
  ofOut: number | null;
  jitterInMs: number;
  jitterOutMs: number | null;
  roundTripMs: number | null;
  mos: number;
}

interface Call {
  id: number;
  began: string;
  answered: string | null;
  ended: string;
  trunk: string | null;
  called: string;
  caller: string | null;
  secure: boolean;
  rule: string | null;
  decision: string;
  version: number;
  status: number;
  why: string;
  quality: Quality | null;
}

interface Whole extends Call {
  trace: Step[];
  ladder: Message[];
  moreMessages: number;
}

/** What is looked for outlives a change of language. */
const wanted = { from: "", to: "", called: "", trunk: "", status: "" };

export function callsPage(context: Context, rest: string[]): Page {
  const words = PAGE_WORDS[context.language];
  return { element: rest[0] ? onePage(context, rest[0], words) : listPage(context, words) };
}

function listPage(context: Context, words: PageWords): HTMLElement {
  const { api, language } = context;
  const place = el("div", {});
  let calls: Call[] = [];
  const query = (after?: number): string => {
    const time = (text: string): string => (text ? new Date(text).toISOString() : "");
    const all = { from: time(wanted.from), to: time(wanted.to), called: wanted.called.trim(), trunk: wanted.trunk.trim(), status: wanted.status.trim(), after: after === undefined ? "" : String(after) };
    return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "")).toString();
  };
  const load = async (after?: number): Promise<HTMLElement[]> => {
    const found = await api.get<{ calls: Call[]; next?: number }>(`/calls?${query(after)}`);
    calls = after === undefined ? found.calls : [...calls, ...found.calls];
    if (calls.length === 0) return [empty(words.noCalls, words.noCallsText)];
    const { next } = found;
    return [rows(context, calls, words), ...(next === undefined ? [] : [button(WORDS[language].more, () => void load(next).then((parts) => place.replaceChildren(...parts)))])];
  };
  const run = (): void => void loading(place, language, () => load());
  const input = (key: keyof typeof wanted, kind: string, label: string): HTMLElement => {
    const one = el("input", { type: kind, autocomplete: "off", input: () => (wanted[key] = one.value) });
    one.value = wanted[key];
    return labelled(`calls-${key}`, label, one);
  };
  const save = async (): Promise<void> => download("calls.csv", "text/csv", await (await fetch(`/api/v1/calls?${query()}`, { headers: { accept: "text/csv", "accept-language": language } })).text());
  const form = el("form", { class: "filter", submit: (event) => (event.preventDefault(), run()) }, input("from", "datetime-local", words.from), input("to", "datetime-local", words.to), input("called", "text", words.called), input("trunk", "text", words.trunk), input("status", "text", words.status),
    el("div", { class: "row-buttons" }, button(words.search, () => {}, "primary", { type: "submit" }), button(WORDS[language].export, () => void save())));
  run();
  return el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.calls), form, place);
}

function status(call: Call): HTMLElement {
  return badge(call.status < 300 ? "success" : call.status < 400 ? "info" : "warning", String(call.status));
}

function lasted(call: Call): string {
  if (!call.answered) return "–";
  const seconds = Math.round((Date.parse(call.ended) - Date.parse(call.answered)) / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function rows(context: Context, calls: Call[], words: PageWords): HTMLElement {
  const { language } = context;
  const link = (call: Call): HTMLElement => el("a", { class: "kern-link", href: `/admin/calls/${call.id}`, click: (event) => (event.preventDefault(), context.go(`calls/${call.id}`)) }, moment(call.began, language, { dateStyle: "short", timeStyle: "medium" }));
  return table(words.calls, [
    { name: words.began, cell: link }, { name: words.caller, cell: (call: Call) => call.caller ?? words.withheld, class: "tel" }, { name: words.called, cell: (call) => call.called, class: "tel" }, { name: words.trunk, cell: (call) => call.trunk ?? words.none },
    { name: words.rule, cell: (call) => call.rule ?? words.none }, { name: words.status, cell: status }, { name: words.became, cell: (call) => call.why || call.decision }, { name: words.duration, cell: lasted, class: "figure" }, { name: words.version, cell: (call) => String(call.version), class: "figure" },
  ], calls);
}

function onePage(context: Context, id: string, words: PageWords): HTMLElement {
  const { api, language } = context;
  const place = el("div", {});
  const back = el("a", { class: "kern-link", href: "/admin/calls", click: (event) => (event.preventDefault(), context.go("calls")) }, words.back);
  void loading(place, language, async () => {
    const call = await api.get<Whole>(`/calls/${encodeURIComponent(id)}`);
    const facts: [string, Node | string][] = [
      [words.began, moment(call.began, language, { dateStyle: "full", timeStyle: "medium" })], [words.caller, call.caller ?? words.withheld], [words.called, call.called], [words.trunk, `${call.trunk ?? words.none}, ${call.secure ? words.secure : words.insecure}`],
      [words.rule, call.rule ?? words.none], [words.decision, call.decision], [words.version, String(call.version)], [words.status, el("span", {}, status(call), ` ${call.why}`)], [words.duration, lasted(call)], ...soundOf(call, words),
    ];
    const list = el("dl", { class: "facts" }, ...facts.map(([word, value]) => el("div", {}, el("dt", {}, word), el("dd", {}, value))));
    const more = call.moreMessages ? [el("p", { class: "kern-body quiet" }, fill(words.moreMessages, { count: call.moreMessages }))] : [];
    return [el("div", { class: "stack" }, list, el("h2", { class: "kern-heading-medium" }, words.path), pathView(call.trace, language, PLAN_WORDS[language]), el("h2", { class: "kern-heading-medium" }, words.ladder), ladder(call.ladder, words), ...more)];
  });
  return el("div", { class: "stack" }, back, el("h1", { class: "kern-heading-large", tabindex: "-1" }, `${words.call} ${id}`), place);
}

function soundOf(call: Call, words: PageWords): [string, string][] {
  const quality = call.quality;
  if (!quality) return [];
  const share = (lost: number | null, of: number | null): string => (lost === null || !of ? words.notTold : `${((lost / of) * 100).toFixed(1)} %`);
  const time = (value: number | null): string => (value === null ? words.notTold : `${value.toFixed(0)} ms`);
  return [[words.quality, `MOS ${quality.mos.toFixed(1)}, ${quality.codec}`], [words.loss, `${words.here} ${share(quality.lostIn, quality.ofIn)}, ${words.there} ${share(quality.lostOut, quality.ofOut)}`],
    [words.jitter, `${words.here} ${time(quality.jitterInMs)}, ${words.there} ${time(quality.jitterOutMs)}`], [words.roundTrip, time(quality.roundTripMs)]];
}
