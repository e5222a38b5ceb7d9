// "Try a call": what would become of it, rule by rule. No call is made.

import type { Language } from "../../protocol";
import { el } from "../../view/dom";
import type { Api } from "../api";
import { debounced, labelled, moment, problemBox } from "../view";
import { type Circumstances, asked, circumstancesForm } from "./circumstances";
import type { PlanModel } from "./model";
import { errorsNote, ruleLink } from "./tree";
import { type Step, type Tried, placeOf } from "./types";
import { OUTCOMES, type PlanWords, fill } from "./words";

export interface Trial extends Circumstances {
  called: string;
}

/** A step comes so long after the one before it, and all of them within this. */
const STEP_DELAY = 220;
const WHOLE = 1_600;

export function tryView(api: Api, model: PlanModel, trial: Trial, trunks: string[], language: Language, words: PlanWords, jump: (file: string, line: number) => void): { element: HTMLElement; run: () => void } {
  const result = el("div", { class: "stack tight trial", "aria-live": "polite" });
  let asks = 0;
  let said = "";
  const run = async (): Promise<void> => {
    const mine = ++asks;
    if (!trial.called.trim()) return (said = ""), result.replaceChildren(el("p", { class: "kern-body quiet" }, words.typeNumber));
    try {
      const tried = await api.post<Tried>("/dialplan/try", { files: model.files, called: trial.called.trim(), language, ...asked(trial) });
      const news = JSON.stringify(tried);
      // What is there already does not arrive a second time.
      if (mine === asks && news !== said) result.replaceChildren(...shown(tried, language, words, jump));
      if (mine === asks) said = news;
    } catch (problem) {
      said = "";
      if (mine === asks) result.replaceChildren(problemBox(problem));
    }
  };
  const soon = debounced(250, () => void run());
  const called = el("input", { type: "text", inputmode: "tel", autocomplete: "off", input: () => ((trial.called = called.value), soon()) });
  called.value = trial.called;
  const form = el("form", { class: "stack tight", submit: (event) => (event.preventDefault(), void run()) }, labelled("try-called", words.called, called, words.calledHint), circumstancesForm("try", trial, trunks, words, soon));
  void run();
  return { element: el("div", { class: "stack" }, form, result), run: soon };
}

function shown(tried: Tried, language: Language, words: PlanWords, jump: (file: string, line: number) => void): HTMLElement[] {
  const taken = tried.steps.at(-1);
  const place = tried.rule && taken ? placeOf(taken.place) : undefined;
  const by = place && tried.rule ? el("p", { class: "kern-body" }, `${words.takenBy}: `, ruleLink(tried.rule, place.file, place.line, jump)) : el("p", { class: "kern-body" }, words.noRule);
  const when = el("p", { class: "kern-body kern-body--small quiet" }, [moment(tried.at.slice(0, 16), language, { dateStyle: "full", timeStyle: "short" }), tried.international ?? ""].filter(Boolean).join(" · "));
  const verdict = el("div", { class: `verdict kind-${tried.kind}` }, el("p", { class: "consequence" }, tried.consequence), by, when);
  return [...errorsNote(tried.errors, words), verdict, el("h2", { class: "kern-title" }, words.path), pathView(tried.steps, language, words, jump)];
}

/** A step for each rule that the number concerns; those for other numbers are told of together. */
export function pathView(steps: Step[], language: Language, words: PlanWords, jump?: (file: string, line: number) => void): HTMLElement {
  const found: HTMLElement[] = [];
  let others = 0;
  const passOthers = (): void => {
    if (others) found.push(el("li", { class: "step passed" }, fill(words.others, { count: others })));
    others = 0;
  };
  for (const step of steps) {
    if (step.outcome === "otherNumber") {
      others += 1;
      continue;
    }
    passOthers();
    const { file, line } = placeOf(step.place);
    const name = jump ? ruleLink(step.rule, file, line, jump) : el("strong", {}, step.rule);
    found.push(el("li", { class: `step ${step.outcome}` }, name, el("span", {}, ` ${OUTCOMES[language][step.outcome] ?? step.outcome}`), ...(step.context === "main" ? [] : [el("span", { class: "quiet" }, ` (${words.context} ${step.context})`)])));
  }
  passOthers();
  const delay = Math.min(STEP_DELAY, WHOLE / Math.max(found.length, 1));
  found.forEach((step, at) => (step.style.animationDelay = `${at * delay}ms`));
  return el("ol", { class: "path" }, ...found);
}
