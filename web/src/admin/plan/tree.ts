// The plan in sentences. Each is a way into the text: press it, and the editor shows its rule; where one is in the text is marked here.

import { button, el } from "../../view/dom";
import { empty } from "../view";
import type { Branch, Leaf } from "./types";
import type { PlanWords } from "./words";

export interface TreeView {
  element: HTMLElement;
  /** Marks the rule in which one is. */
  mark(file: string, line: number): void;
}

export function treeView(branches: Branch[], words: PlanWords, jump: (file: string, line: number) => void): TreeView {
  const leaves: { leaf: Leaf; element: HTMLElement; button: HTMLElement; context: HTMLElement }[] = [];
  const leaf = (one: Leaf, context: HTMLElement): HTMLElement => {
    const press = el("button", { type: "button", class: `leaf kind-${one.kind}`, click: () => jump(one.file, one.line) },
      el("span", { class: "leaf-name" }, one.rule), el("span", { class: "leaf-if" }, one.condition), el("span", { class: "leaf-then" }, el("span", { "aria-hidden": "true" }, "→ "), el("span", { class: "kern-sr-only" }, `${words.then}: `), one.consequence));
    const element = el("li", {}, press);
    leaves.push({ leaf: one, element, button: press, context });
    return element;
  };
  const branch = (one: Branch, at: number): HTMLElement => {
    const begins = branches.length === 1 ? words.allBegin : [one.trunks.length ? `${words.beginsHere} ${one.trunks.join(", ")}` : "", at === 0 ? (one.trunks.length ? words.andAllOthers : words.allBegin) : ""].filter(Boolean).join(" ");
    const includes = one.include.length ? `${words.includes}: ${one.include.join(", ")}` : "";
    const notes = [begins, includes].filter(Boolean).map((note) => el("p", { class: "kern-body kern-body--small quiet" }, note));
    const section = el("section", { class: "branch" });
    section.append(...(branches.length > 1 ? [el("h2", { class: "kern-title" }, `${words.context} „${one.context}“`)] : []), ...notes, el("ol", { class: "leaves" }, ...one.rules.map((rule) => leaf(rule, section))));
    return section;
  };
  const sections = branches.filter((one, at) => one.rules.length > 0 || at > 0).map(branch);
  if (leaves.length === 0) return { element: empty(words.noRules, words.noRulesText), mark: () => {} };
  const none = el("p", { class: "kern-body quiet", hidden: true, role: "status" }, words.noMatch);
  const filter = el("input", { type: "search", class: "kern-form-input__input", id: "tree-filter", input: () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const one of leaves) one.element.hidden = !`${one.leaf.rule} ${one.leaf.condition} ${one.leaf.consequence}`.toLowerCase().includes(wanted);
    for (const section of sections) section.hidden = wanted !== "" && leaves.every((one) => one.context !== section || one.element.hidden);
    none.hidden = leaves.some((one) => !one.element.hidden);
  } });
  const search = el("div", { class: "kern-form-input" }, el("label", { class: "kern-label", for: "tree-filter" }, words.filter), filter);
  const mark = (file: string, line: number): void => {
    const here = leaves.filter((one) => one.leaf.file === file && one.leaf.line <= line + 1).sort((one, other) => other.leaf.line - one.leaf.line)[0];
    for (const one of leaves) {
      one.button.classList.toggle("here", one === here);
      one.button.toggleAttribute("aria-current", one === here);
    }
  };
  return { element: el("div", { class: "stack tight" }, ...(leaves.length > 6 ? [search] : []), none, ...sections), mark };
}

/** How many errors keep the draft from being published: what is shown may not be all of it. */
export function errorsNote(errors: number, words: PlanWords): HTMLElement[] {
  return errors ? [el("p", { class: "kern-body kern-body--small note-errors" }, words.draftErrors)] : [];
}

export function ruleLink(rule: string, file: string, line: number, jump: (file: string, line: number) => void): HTMLElement {
  return button(rule, () => jump(file, line), "tertiary kern-btn--x-small link-like", { "aria-label": `${rule} (${file}:${line})` });
}
