// Where data goes: who may get some, which connections were permitted and refused last, the record of processing to take away.

import { alertBox, button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { badge, debounced, download, empty, loading, moment, problemBox, table } from "../view";
import { PAGE_WORDS, type PageWords, PURPOSES } from "./words";

interface Connection {
  purpose: string;
  host: string | null;
  address: string;
  processor: string | null;
  why: string | null;
  last: string;
  times: number;
}

interface Residency {
  sound: boolean;
  processors: { name: string; country: string; inEea: boolean; purposes: string[]; networks: string[]; hosts: string[]; contract: string }[];
  faults: { namedBy: string; host: string; why: string }[];
  permitted: Connection[];
  refused: Connection[];
}

/** What can be taken away: its name in the words, where it is, and as what it is kept. */
const FILES = [
  { word: "recordText", path: "report?format=text", name: "verarbeitung.txt", kind: "text/plain" },
  { word: "recordMarkdown", path: "report?format=md", name: "verarbeitung.md", kind: "text/markdown" },
  { word: "recordJson", path: "report?format=json", name: "verarbeitung.json", kind: "application/json" },
  { word: "firewall", path: "firewall", name: "einwahl.nft", kind: "text/plain" },
] as const;

export function residencyPage(context: Context): Page {
  const { api, events, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  const problem = el("div", {});
  const look = async (): Promise<HTMLElement[]> => [view(context, await api.get<Residency>("/residency"), words)];
  const again = (): void => void look().then((parts) => place.replaceChildren(...parts), (why: unknown) => problem.replaceChildren(problemBox(why)));
  const againSoon = debounced(300, again);
  const stops = [events.on("refused", againSoon), events.on("live", againSoon)];
  const save = async (file: (typeof FILES)[number]): Promise<void> => {
    problem.replaceChildren();
    try {
      download(file.name, file.kind, await api.text(`/residency/${file.path}`));
    } catch (why) {
      problem.replaceChildren(problemBox(why));
    }
  };
  void loading(place, language, look);
  const files = el("div", { class: "row-buttons" }, ...FILES.map((file) => button(words[file.word], () => void save(file))), button(words.lookAgain, again, "tertiary"));
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.residency), el("p", { class: "kern-body" }, words.residencyText), files, problem, place), leave: () => stops.forEach((stop) => stop()) };
}

function view(context: Context, now: Residency, words: PageWords): HTMLElement {
  const { language } = context;
  const purpose = (one: { purpose: string }): string => PURPOSES[language][one.purpose] ?? one.purpose;
  const where = (one: Connection): HTMLElement | string => (one.host ? el("div", {}, one.host, el("p", { class: "kern-body kern-body--small quiet" }, one.address)) : one.address);
  const when = { name: words.lastTime, cell: (one: Connection) => moment(one.last, language, { dateStyle: "short", timeStyle: "medium" }) };
  const times = { name: words.times, cell: (one: Connection) => String(one.times), class: "figure" };
  const refused = table(words.refused, [when, { name: words.purpose, cell: purpose }, { name: words.place, cell: where }, { name: words.reason, cell: (one) => one.why ?? "" }, times], now.refused);
  const permitted = table(words.permitted, [when, { name: words.purpose, cell: purpose }, { name: words.place, cell: where }, { name: words.processor, cell: (one) => one.processor ?? words.thisMachine }, times], now.permitted);
  const processors = table(words.processors, [
    { name: words.processor, cell: (one: Residency["processors"][number]) => el("strong", {}, one.name) },
    { name: words.country, cell: (one) => (one.inEea ? one.country : el("div", {}, one.country, " ", badge("danger", words.outside))) },
    { name: words.purposes, cell: (one) => one.purposes.map((purpose) => PURPOSES[language][purpose] ?? purpose).join(", ") },
    { name: words.networks, cell: (one) => [...one.hosts, ...one.networks].join(", ") },
    { name: words.contract, cell: (one) => one.contract || el("span", { class: "quiet" }, words.none) },
  ], now.processors);
  const faults = now.faults.map((one) => el("li", {}, `${one.namedBy}: ${one.host} – ${one.why}`));
  const sound = now.sound ? badge("success", words.allDeclared) : alertBox("danger", words.notDeclared, el("div", { class: "kern-alert__body" }, el("ul", { class: "faults" }, ...faults)));
  const heading = (text: string): HTMLElement => el("h2", { class: "kern-heading-medium" }, text);
  const nothing = (text: string): HTMLElement => el("p", { class: "kern-body quiet" }, text);
  return el("div", { class: "stack" }, el("div", {}, sound),
    heading(words.refused), el("div", { "aria-live": "polite" }, now.refused.length ? refused : nothing(words.noRefused)),
    heading(words.permitted), now.permitted.length ? permitted : nothing(words.noPermitted),
    heading(words.processors), now.processors.length ? processors : empty(words.noProcessors, words.noProcessorsText));
}
