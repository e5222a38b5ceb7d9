// Two people changed the same version: both changes side by side, and for each file a decision. Nothing is overwritten here; the
// draft goes on from what the other published.

import type { Language } from "../../protocol";
import { button, el } from "../../view/dom";
import { dialog } from "../view";
import { WORDS } from "../words";
import { lines, linesView } from "./diff";
import type { PlanModel } from "./model";
import type { Conflict, Files } from "./types";
import { type PlanWords, fill } from "./words";

type Choice = "theirs" | "yours" | "merged";

export function conflictDialog(model: PlanModel, conflict: Conflict, language: Language, words: PlanWords): void {
  const choices = new Map<string, Choice>(conflict.files.map((file) => [file.name, file.merged !== undefined ? "merged" : file.side === "theirs" ? "theirs" : "yours"]));
  const sides = { theirs: words.theirsSide, yours: words.yoursSide, both: words.both, conflict: words.conflictSide };
  const file = (one: Conflict["files"][number], at: number): HTMLElement => {
    const choice = (value: Choice, label: string): HTMLElement => {
      const input = el("input", { type: "radio", name: `choice-${at}`, id: `choice-${at}-${value}`, class: "kern-form-check__radio", change: () => choices.set(one.name, value) });
      input.checked = choices.get(one.name) === value;
      return el("div", { class: "kern-form-check" }, input, el("label", { class: "kern-label", for: input.id }, label));
    };
    const side = (title: string, text: string | undefined): HTMLElement => el("div", { class: "side" }, el("h4", { class: "kern-title kern-title--small" }, title), linesView(lines(one.base ?? "", text ?? ""), words));
    return el("section", { class: "conflict" }, el("h3", { class: "kern-title" }, one.name, el("span", { class: "quiet" }, ` ${sides[one.side]}`)), el("div", { class: "sides" }, side(words.theirs, one.theirs), side(words.yours, one.yours)),
      el("fieldset", { class: "choices" }, el("legend", { class: "kern-sr-only" }, one.name), ...(one.merged === undefined ? [] : [choice("merged", words.takeMerged)]), choice("theirs", words.takeTheirs), choice("yours", words.takeYours)));
  };
  const take = (close: () => void): void => {
    model.rebase(decided(model.files, conflict, choices), conflict.theirs);
    close();
  };
  dialog(words.conflictTitle, [el("p", { class: "kern-body" }, fill(words.conflictText, { base: conflict.base, theirs: conflict.theirs })), ...conflict.files.map(file)],
    (close) => [button(WORDS[language].cancel, close), button(words.takeOver, () => take(close), "primary")], true);
}

/** The files as they were decided: those that nobody changed are as they are. A text that is not there is a file that goes. */
export function decided(yours: Files, conflict: Conflict, choices: Map<string, Choice>): Files {
  const files = { ...yours };
  for (const one of conflict.files) {
    const text = one[choices.get(one.name) ?? "yours"];
    if (text === undefined) delete files[one.name];
    else files[one.name] = text;
  }
  return files;
}
