// Trunks: how each stands, what went wrong last, and an examination that names the fault.

import type { Language } from "../../protocol";
import { alertBox, button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { fill } from "../plan/words";
import { may } from "../session";
import { badge, dialog, empty, labelled, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { PAGE_WORDS, type PageWords } from "./words";

interface Trunk {
  name: string;
  dial: string | null;
  state: string;
  why: string | null;
  since: string | null;
  registers: boolean;
  registeredUntil: string | null;
  calls: number;
  mostCalls: number | null;
  hasTest: boolean;
  lastErrors: { at: string; state: string; why: string }[];
}

interface Report {
  healthy: boolean;
  called: boolean;
  findings: { fault: string; certainty: string; says: Record<Language, string>; help: Record<Language, string> }[];
  ladder: { ms: number; ours: boolean; line: string }[];
}

export function trunksPage(context: Context): Page {
  const { api, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  void loading(place, language, async () => {
    const { trunks } = await api.get<{ trunks: Trunk[] }>("/trunks");
    return [trunks.length ? rows(context, trunks, words) : empty(words.noTrunks, words.noTrunksText)];
  });
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.trunks), place) };
}

function stateOf(trunk: Trunk, words: PageWords): HTMLElement {
  const kinds = { up: "success", degraded: "warning", down: "danger", unknown: "info" } as const;
  const names: Record<string, string> = { up: words.up, degraded: words.degraded, down: words.down, unknown: words.unknown };
  return badge(kinds[trunk.state as keyof typeof kinds] ?? "info", names[trunk.state] ?? trunk.state);
}

function rows(context: Context, trunks: Trunk[], words: PageWords): HTMLElement {
  const { language, session } = context;
  const troubles = (one: Trunk): HTMLElement => (one.lastErrors.length ? el("ul", { class: "waiting" }, ...one.lastErrors.slice(0, 3).map((error) => el("li", {}, `${moment(error.at, language)}: ${error.why}`))) : el("span", { class: "quiet" }, words.none));
  return table(words.trunks, [
    { name: words.trunk, cell: (one: Trunk) => el("strong", {}, one.name) },
    { name: words.state, cell: (one) => el("div", {}, stateOf(one, words), ...(one.why ? [el("p", { class: "kern-body kern-body--small" }, one.why)] : [])) },
    { name: words.since, cell: (one) => moment(one.since ?? undefined, language) },
    { name: words.dial, cell: (one) => one.dial ?? words.incoming },
    { name: words.registered, cell: (one) => (one.registers ? moment(one.registeredUntil ?? undefined, language) || words.no : "–") },
    { name: words.callsNow, cell: (one) => (one.mostCalls === null ? String(one.calls) : `${one.calls} / ${one.mostCalls}`), class: "figure" },
    { name: words.lastErrors, cell: troubles },
    { name: WORDS[language].actions, cell: (one) => (may(session, "operate") && one.dial ? button(words.test, () => examine(context, one, words), "secondary kern-btn--x-small", { "aria-label": `${words.test}: ${one.name}` }) : "") },
  ], trunks);
}

function examine(context: Context, trunk: Trunk, words: PageWords): void {
  const { api, language } = context;
  const result = el("div", { "aria-live": "polite" });
  const call = el("input", { type: "tel", autocomplete: "off" });
  const run = async (): Promise<void> => {
    start.disabled = true;
    result.replaceChildren(el("p", { class: "kern-body", role: "status" }, words.testing));
    try {
      const number = call.value.replace(/\s/g, "");
      result.replaceChildren(...shown(await api.post<Report>(`/trunks/${trunk.name}/check`, number ? { call: number } : {}), language, words));
    } catch (problem) {
      result.replaceChildren(problemBox(problem));
    }
    start.disabled = false;
  };
  const start = button(words.test, () => void run(), "primary");
  dialog(fill(words.testTitle, { name: trunk.name }), [labelled("test-call", words.testCall, call, words.testHint), result], (close) => [button(WORDS[language].close, close), start], true);
}

function shown(report: Report, language: Language, words: PageWords): HTMLElement[] {
  const sure: Record<string, string> = { certain: words.certain, likely: words.likely, possible: words.possible };
  const findings = report.findings.map((one) => alertBox(one.certainty === "certain" ? "danger" : "warning", `${one.says[language]} (${sure[one.certainty] ?? one.certainty})`, el("div", { class: "kern-alert__body" }, el("p", { class: "kern-body" }, one.help[language]))));
  const ladder = table(words.ladder, [
    { name: words.at, cell: (one: Report["ladder"][number]) => `${one.ms} ms`, class: "figure" }, { name: words.direction, cell: (one) => (one.ours ? "→" : "←") }, { name: words.message, cell: (one) => one.line },
  ], report.ladder);
  return [el("div", { class: "stack tight" }, ...(report.healthy ? [el("p", { class: "kern-body" }, words.healthy)] : findings), el("h3", { class: "kern-title" }, words.ladder), ladder)];
}
