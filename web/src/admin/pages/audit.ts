// The audit: who did what and when, and whether the chain of hashes is whole.

import { alertBox, button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { fill } from "../plan/words";
import { download, empty, labelled, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { PAGE_WORDS, type PageWords } from "./words";

type Entry = { number: number; at: string; what: string } & Record<string, unknown>;

interface Answer {
  entries: Entry[];
  chain?: { sound: boolean; entries: number | null; head: string | null; fault: string | null };
}

const PAGE = 100;
const wanted = { what: "", by: "" };

export function auditPage(context: Context): Page {
  const { api, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  const chain = el("div", {});
  let entries: Entry[] = [];
  const query = (more: Record<string, string>): string => new URLSearchParams(Object.entries({ ...wanted, ...more }).filter(([, value]) => value !== "")).toString();
  const load = async (before?: number): Promise<HTMLElement[]> => {
    const found = await api.get<Answer>(`/audit?${query({ limit: String(PAGE), ...(before === undefined ? {} : { before: String(before) }) })}`);
    entries = before === undefined ? found.entries : [...entries, ...found.entries];
    const last = found.entries.at(-1);
    if (entries.length === 0) return [empty(words.noEntries, words.noEntriesText)];
    return [rows(context, entries, words), ...(found.entries.length < PAGE || !last ? [] : [button(WORDS[language].more, () => void load(last.number).then((parts) => place.replaceChildren(...parts)))])];
  };
  const run = (): void => void loading(place, language, () => load());
  const input = (key: keyof typeof wanted, label: string): HTMLElement => {
    const one = el("input", { type: "text", autocomplete: "off", autocapitalize: "none", input: () => (wanted[key] = one.value.trim()) });
    one.value = wanted[key];
    return labelled(`audit-${key}`, label, one);
  };
  const verify = async (): Promise<void> => {
    try {
      const { chain: found } = await api.get<Answer>("/audit?limit=1&verify=true");
      const told = found?.sound ? alertBox("info", fill(words.sound, { entries: found.entries ?? 0, head: found.head ?? "–" })) : alertBox("danger", `${words.broken}: ${found?.fault ?? ""}`);
      told.setAttribute("role", "status");
      chain.replaceChildren(told);
    } catch (problem) {
      chain.replaceChildren(problemBox(problem));
    }
  };
  const save = async (): Promise<void> => download("audit.csv", "text/csv", await (await fetch(`/api/v1/audit?${query({ format: "csv", limit: "10000" })}`)).text());
  const form = el("form", { class: "filter", submit: (event) => (event.preventDefault(), run()) }, input("what", words.filterWhat), input("by", words.filterBy),
    el("div", { class: "row-buttons" }, button(words.search, () => {}, "primary", { type: "submit" }), button(words.chain, () => void verify()), button(WORDS[language].export, () => void save())));
  run();
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.audit), form, chain, place) };
}

function rows(context: Context, entries: Entry[], words: PageWords): HTMLElement {
  const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  const details = (entry: Entry): string => Object.entries(entry).filter(([key]) => !["number", "at", "what", "by", "account"].includes(key)).map(([key, value]) => `${key}: ${text(value)}`).join(", ");
  return table(words.audit, [
    { name: words.number, cell: (one: Entry) => String(one.number), class: "figure" }, { name: words.when, cell: (one) => moment(one.at, context.language, { dateStyle: "short", timeStyle: "medium" }) }, { name: words.what, cell: (one) => el("code", {}, one.what) },
    { name: words.by, cell: (one) => (one["by"] === undefined ? "" : text(one["by"])) }, { name: words.account, cell: (one) => (one["account"] === undefined ? "" : text(one["account"])) }, { name: words.more, cell: details },
  ], entries);
}
