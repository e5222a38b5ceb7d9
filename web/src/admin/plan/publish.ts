// Publishing: what would change, why, and what stands in the way. Where a second person has to agree, the draft waits for them.

import { alertBox, button, el } from "../../view/dom";
import { Problem } from "../api";
import type { Context } from "../context";
import { dialog, labelled, problemBox } from "../view";
import { WORDS } from "../words";
import { conflictDialog } from "./conflict";
import { diffView } from "./diff";
import type { PlanModel } from "./model";
import { replayView } from "./replay";
import type { Conflict, Draft, DraftInfo, Problem as Mistake, Version } from "./types";
import { type PlanWords, fill } from "./words";

export function publishDialog(context: Context, model: PlanModel, words: PlanWords): void {
  const { api, language } = context;
  const needsApproval = model.running.approval && !model.approvedBy;
  const problem = el("div", {});
  const comment = el("input", { type: "text", maxlength: "500", autocomplete: "off" });
  comment.value = model.comment;
  const publish = async (close: () => void): Promise<void> => {
    problem.replaceChildren();
    model.comment = comment.value.trim();
    try {
      if (needsApproval) {
        model.saved = false;
        await model.save();
        close();
        return context.say(words.approvalSent);
      }
      await model.save();
      const body = model.running.approval ? { draft: context.session.name, comment: model.comment } : { files: model.files, parent: model.parent, comment: model.comment };
      const made = await api.post<Version>("/dialplan/publish", body);
      close();
      if (!model.running.approval) await api.ask("DELETE", "/dialplan/draft").catch(unlessGone);
      await model.published();
      context.say(fill(words.published, { version: made.version }));
    } catch (why) {
      if (why instanceof Problem && why.told["conflict"]) {
        close();
        return conflictDialog(model, why.told["conflict"] as Conflict, language, words);
      }
      problem.replaceChildren(problemBox(why, ...mistakes(why, words)));
    }
  };
  const title = needsApproval ? words.approvalTitle : words.publishTitle;
  dialog(title, [problem, labelled("publish-comment", words.comment, comment), el("h3", { class: "kern-title" }, words.changes), diffView(model.running.files, model.files, words), replayView(context, model, words)],
    (close) => [button(WORDS[language].cancel, close), button(needsApproval ? words.askApproval.replace(" …", "") : words.publishNow, () => void publish(close), "primary")], true);
}

/** Where the draft was never kept there is none to be thrown away. */
function unlessGone(why: unknown): void {
  if (!(why instanceof Problem && why.told.status === 404)) throw why;
}

function mistakes(why: unknown, words: PlanWords): Node[] {
  const all = why instanceof Problem ? (why.told["problems"] as Mistake[] | undefined) ?? [] : [];
  const errors = all.filter((mistake) => mistake.severity === "error");
  return errors.length ? [el("ul", { class: "faults" }, ...errors.map((mistake) => el("li", {}, `${mistake.file}, ${words.line} ${mistake.line}: ${mistake.message}`)))] : [];
}

/** What waits for somebody else's approval. */
export function waitingView(context: Context, model: PlanModel, canPublish: boolean, words: PlanWords): HTMLElement[] {
  const others = model.waiting.filter((draft) => draft.author !== context.session.name && !draft.approvedBy);
  if (!model.running.approval || !canPublish || others.length === 0) return [];
  const row = (draft: DraftInfo): HTMLElement => el("li", {}, `${draft.author}: ${draft.comment || "–"} `, button(words.approve, () => void approveDialog(context, model, draft, words), "secondary kern-btn--x-small"));
  return [alertBox("info", words.drafts, el("div", { class: "kern-alert__body" }, el("ul", { class: "waiting" }, ...others.map(row))))];
}

async function approveDialog(context: Context, model: PlanModel, info: DraftInfo, words: PlanWords): Promise<void> {
  const { api, language } = context;
  const draft = await api.get<Draft>(`/dialplan/draft?author=${encodeURIComponent(info.author)}`);
  const problem = el("div", {});
  const approve = (close: () => void): void => void api.post("/dialplan/draft/approve", { author: draft.author, fingerprint: draft.fingerprint }).then(
    async () => {
      close();
      context.say(words.approvedSaid);
      await model.published();
    },
    (why: unknown) => problem.replaceChildren(problemBox(why)),
  );
  dialog(`${words.approveNow}: ${draft.author}`, [problem, el("p", { class: "kern-body" }, draft.comment), diffView(model.running.files, draft.files, words)],
    (close) => [button(WORDS[language].cancel, close), button(words.approveNow, () => approve(close), "primary")], true);
}
