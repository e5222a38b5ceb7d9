// Where the numbers of the house lead at one time, and which nobody takes.

import type { Language } from "../../protocol";
import { alertBox, button, el } from "../../view/dom";
import type { Api } from "../api";
import { empty, labelled, loading, table } from "../view";
import { type Circumstances, asked, circumstancesForm } from "./circumstances";
import type { PlanModel } from "./model";
import { errorsNote, ruleLink } from "./tree";
import type { Stretch } from "./types";
import { type PlanWords, fill } from "./words";

/** Stretches that are drawn and listed at once; the rest is told of by its number. */
const MOST = 500;

export function coverageView(api: Api, model: PlanModel, at: Circumstances & { blocks: string }, trunks: string[], language: Language, words: PlanWords, jump: (file: string, line: number) => void): { element: HTMLElement; run: () => void } {
  const place = el("div", {});
  const blocks = el("textarea", { rows: "3", autocomplete: "off", spellcheck: "false", input: () => (at.blocks = blocks.value) });
  blocks.value = at.blocks;
  const run = (): void => {
    const wanted = at.blocks.split("\n").map((line) => line.trim()).filter(Boolean);
    if (wanted.length === 0) return place.replaceChildren(empty(words.noBlocks, words.noBlocksText));
    localStorage.setItem("blocks", at.blocks);
    void loading(place, language, async () => {
      const found = await api.post<{ blocks: { block: string; stretches: Stretch[] }[]; errors: number }>("/dialplan/coverage", { files: model.files, blocks: wanted, language, ...asked(at) });
      return [...errorsNote(found.errors, words), ...found.blocks.map((one) => blockView(one.block, one.stretches, language, words, jump))];
    });
  };
  const form = el("form", { class: "stack tight", submit: (event) => (event.preventDefault(), run()) }, labelled("blocks", words.blocks, blocks, words.blocksHint), circumstancesForm("cover", at, trunks, words, () => {}),
    button(words.show, () => {}, "primary", { type: "submit" }));
  run();
  return { element: el("div", { class: "stack" }, form, place), run };
}

function blockView(block: string, stretches: Stretch[], language: Language, words: PlanWords, jump: (file: string, line: number) => void): HTMLElement {
  const number = new Intl.NumberFormat(language);
  const sum = (some: Stretch[]): number => some.reduce((total, one) => total + one.count, 0);
  const all = sum(stretches);
  const open = sum(stretches.filter((one) => one.rule === null));
  const told = open ? alertBox("warning", fill(words.covered, { all: number.format(all), open: number.format(open) })) : el("p", { class: "kern-body quiet" }, fill(words.allCovered, { all: number.format(all) }));
  const bar = el("div", { class: "cover-bar", "aria-hidden": "true" }, ...stretches.slice(0, MOST).map((one) => {
    const piece = el("span", { class: `kind-${one.kind}`, title: `${one.from}–${one.to}: ${one.rule ?? words.noRule}` });
    piece.style.flexGrow = String(one.count);
    return piece;
  }));
  const rows = table(`${words.numbers} ${block}`, [
    { name: words.from, cell: (one: Stretch) => one.from, class: "tel" },
    { name: words.to, cell: (one) => (one.from === one.to ? "" : one.to), class: "tel" },
    { name: words.count, cell: (one) => number.format(one.count), class: "figure" },
    { name: words.takenBy, cell: (one) => (one.rule !== null && one.file !== null && one.line !== null ? ruleLink(one.rule, one.file, one.line, jump) : words.noRule) },
    { name: words.leads, cell: (one) => el("span", { class: `chip kind-${one.kind}` }, one.consequence) },
  ], stretches.slice(0, MOST), (one) => (one.rule === null ? "uncovered" : ""));
  return el("section", { class: "stack tight" }, el("h2", { class: "kern-title" }, block), told, bar, rows);
}
