// Versions: who published what when and why, what it changed, and the way back.

import { button, el } from "../../view/dom";
import type { Context } from "../context";
import { badge, confirm, dialog, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { diffView } from "./diff";
import type { PlanModel } from "./model";
import type { Version } from "./types";
import { type PlanWords, fill } from "./words";

export function historyView(context: Context, model: PlanModel, canPublish: boolean, words: PlanWords): HTMLElement {
  const { api, language } = context;
  const place = el("div", {});
  const problem = el("div", {});
  let versions: Version[] = [];
  let next: number | undefined;
  const load = async (before?: number): Promise<void> => {
    const found = await api.get<{ versions: Version[]; next?: number }>(`/dialplan/versions${before === undefined ? "" : `?before=${before}`}`);
    versions = before === undefined ? found.versions : [...versions, ...found.versions];
    next = found.next;
  };
  const draw = (): HTMLElement[] => [rows(), ...(next === undefined ? [] : [button(WORDS[language].more, () => void load(next).then(() => place.replaceChildren(...draw())))])];
  const rollback = (version: Version): void => confirm(language, fill(words.rollbackTitle, { version: version.version }), words.rollbackText, words.rollback, () => {
    problem.replaceChildren();
    api.post<Version>("/dialplan/rollback", { version: version.version, comment: `${words.restores} ${version.version}` }).then(
      async (made) => {
        context.say(fill(words.rolledBack, { version: made.version }));
        await model.published();
        await loading(place, language, async () => (await load(), draw()));
      },
      (why: unknown) => problem.replaceChildren(problemBox(why)),
    );
  });
  const rows = (): HTMLElement => table(words.history, [
    { name: words.version, cell: (one: Version) => (one.version === model.running.version ? el("span", {}, `${one.version} `, badge("success", words.current)) : String(one.version)) },
    { name: words.when, cell: (one) => (one.version === 0 ? words.shipped : moment(one.at, language)) },
    { name: words.by, cell: (one) => (one.approvedBy ? `${one.by} · ${words.approved} ${one.approvedBy}` : one.by) },
    { name: words.why, cell: (one) => (one.restores === undefined ? one.comment : `${one.comment || words.restores} (${words.restores} ${one.restores})`) },
    { name: WORDS[language].actions, class: "acts", cell: (one) => el("div", { class: "row-buttons" }, button(words.diff, () => void showDiff(context, one, words), "secondary kern-btn--x-small", { "aria-label": `${words.diff}: ${words.version} ${one.version}` }),
      ...(canPublish && !model.running.byFolder && one.version !== model.running.version ? [button(words.rollback, () => rollback(one), "secondary kern-btn--x-small", { "aria-label": `${words.rollback}: ${words.version} ${one.version}` })] : [])) },
  ], versions, (one) => (one.version === model.running.version ? "current" : ""));
  void loading(place, language, async () => (await load(), draw()));
  return el("div", { class: "stack" }, problem, place);
}

async function showDiff(context: Context, version: Version, words: PlanWords): Promise<void> {
  const { api, language } = context;
  const place = el("div", {});
  dialog(fill(words.diffTitle, { version: version.version }), [place], (close) => [button(WORDS[language].close, close)], true);
  await loading(place, language, async () => {
    const files = async (number: number): Promise<Record<string, string>> => (await api.get<{ files: Record<string, string> }>(`/dialplan/versions/${number}`)).files;
    const after = await files(version.version);
    // The shipped plan was made from nothing.
    const before = version.version === 0 ? {} : await files(version.parent);
    return [diffView(before, after, words)];
  });
}

