// A draft and the calls of last week: which would go elsewhere.

import { button, el } from "../../view/dom";
import type { Context } from "../context";
import { problemBox, table } from "../view";
import type { PlanModel } from "./model";
import { type PlanWords, fill } from "./words";

interface Way {
  rule: string | null;
  decision: string;
}

interface Replay {
  calls: number;
  unsure: number;
  moved: number;
  groups: { called: string; from: Way; to: Way; calls: number }[];
}

export function replayView(context: Context, model: PlanModel, words: PlanWords): HTMLElement {
  const result = el("div", { "aria-live": "polite" });
  const way = (one: Way): string => (one.rule === null ? words.noRule : `${one.rule}: ${one.decision}`);
  const run = async (): Promise<void> => {
    try {
      const found = await context.api.post<Replay>("/dialplan/replay", { files: model.files });
      const unsure = found.unsure ? [el("p", { class: "kern-body quiet" }, fill(words.replayUnsure, { count: found.unsure }))] : [];
      if (found.moved === 0) return result.replaceChildren(el("p", { class: "kern-body" }, fill(words.replayNone, { count: found.calls })), ...unsure);
      result.replaceChildren(el("p", { class: "kern-body" }, fill(words.replaySome, { changed: found.moved, count: found.calls })), ...unsure, table(words.replay, [
        { name: words.called, cell: (one: Replay["groups"][number]) => one.called, class: "tel" }, { name: words.count, cell: (one) => String(one.calls), class: "figure" }, { name: words.before, cell: (one) => way(one.from) }, { name: words.after, cell: (one) => way(one.to) },
      ], found.groups));
    } catch (problem) {
      result.replaceChildren(problemBox(problem));
    }
  };
  return el("section", { class: "stack tight" }, el("h3", { class: "kern-title" }, words.replay), button(words.replayRun, () => void run()), result);
}
