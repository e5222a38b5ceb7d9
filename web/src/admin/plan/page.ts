// The page of the dialplan: the files on one side, what they do on the other, and above both what runs and what the draft is.

import { alertBox, button, el, field, relabel } from "../../view/dom";
import type { Context, Page } from "../context";
import { may } from "../session";
import { badge, confirm, debounced, dialog, loading, moment, problemBox, tabs } from "../view";
import { WORDS } from "../words";
import { type Circumstances, anyCall } from "./circumstances";
import { coverageView } from "./coverage";
import { Editor } from "./editor";
import { historyView } from "./history";
import { PlanModel } from "./model";
import { publishDialog, waitingView } from "./publish";
import { type TreeView, errorsNote, treeView } from "./tree";
import { type Trial, tryView } from "./try_call";
import type { Branch, Problem } from "./types";
import { weekView } from "./week";
import { PLAN_WORDS, type PlanWords, fill } from "./words";

/** What outlives a change of language or of page: the draft, and what was looked at. */
let kept: { of: string; model: PlanModel } | undefined;
let view = "tree";
let file = "";
const trial: Trial = { called: "", ...anyCall() };
const cover: Circumstances & { blocks: string } = { blocks: localStorage.getItem("blocks") ?? "", ...anyCall() };
const week = { from: "" };

export function dialplanPage(context: Context): Page {
  const words = PLAN_WORDS[context.language];
  const body = el("div", {});
  const element = el("div", { class: "stack plan" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.title), body);
  let leave = (): void => {};
  let left = false;
  const fresh = kept?.of !== context.session.name;
  const model = fresh || !kept ? new PlanModel(context.api, may(context.session, "edit")) : kept.model;
  void loading(body, context.language, async () => {
    if (fresh || model.saved) await model.load();
    else void model.save(), await model.check();
    kept = { of: context.session.name, model };
    if (left) return [];
    const desk = new Desk(context, model, words);
    leave = () => desk.leave();
    return desk.parts;
  });
  return { element, leave: () => ((left = true), leave()) };
}

class Desk {
  readonly parts: HTMLElement[];
  private readonly editor: Editor;
  private readonly files = el("div", { class: "tabs files", role: "tablist" });
  private readonly bar = el("div", { class: "plan-bar" });
  private readonly notes = el("div", { class: "stack tight" });
  private readonly mistakes = el("div", { class: "mistakes" });
  private readonly side: ReturnType<typeof tabs>;
  private readonly publish: HTMLButtonElement;
  private readonly discard: HTMLButtonElement;
  private readonly state = el("p", { class: "kern-body plan-state", role: "status" });
  private readonly runs = el("p", { class: "kern-body plan-runs" });
  private readonly stop: () => void;
  private readonly refresh = debounced(600, () => this.rerun());
  private tree: TreeView | undefined;
  private rerun: () => void = () => {};
  private shown = "";
  private line = 1;

  constructor(private readonly context: Context, private readonly model: PlanModel, private readonly words: PlanWords) {
    this.editor = new Editor(context.language, words.editor, !model.editable, { change: (name, text) => model.edit(name, text), moved: (name, line) => ((this.line = line), this.tree?.mark(name, line)) });
    this.publish = button("", () => publishDialog(context, model, words), "primary");
    this.discard = button(words.discard, () => confirm(context.language, words.discard, words.discardText, words.discard, () => void this.throwAway()), "secondary");
    const jump = (name: string, line: number): void => this.jump(name, line);
    const trunks = this.trunks();
    const canPublish = may(context.session, "publish");
    const again = <T extends { element: HTMLElement; run: () => void }>(made: T): HTMLElement => ((this.rerun = made.run), made.element);
    this.side = tabs(words.view, [
      { id: "tree", name: words.tree, panel: () => this.treePanel() },
      { id: "try", name: words.tryCall, panel: () => again(tryView(context.api, model, trial, trunks, context.language, words, jump)) },
      { id: "week", name: words.week, panel: () => again(weekView(context.api, model, week, context.language, words, jump)) },
      { id: "coverage", name: words.coverage, panel: () => again(coverageView(context.api, model, cover, trunks, context.language, words, jump)) },
      { id: "history", name: words.history, panel: () => ((this.rerun = () => {}), historyView(context, model, canPublish, words)) },
    ], view, (id) => (view = id));
    this.files.setAttribute("aria-label", words.files);
    const buttons = model.editable ? [el("div", { class: "plan-buttons" }, this.discard, ...(canPublish || model.running.approval ? [this.publish] : []))] : [];
    this.bar.append(el("div", { class: "plan-says" }, this.runs, this.state), ...buttons);
    const desk = el("section", { class: "desk", "aria-label": words.files }, this.files, this.editor.element, this.mistakes);
    this.parts = [this.bar, this.notes, el("div", { class: "sides-of-plan" }, desk, el("section", { class: "aside", "aria-label": words.view }, this.side.list, this.side.panel))];
    this.stop = model.on(() => this.update());
    this.update();
  }

  leave(): void {
    this.stop();
    void this.model.save();
    this.editor.destroy();
  }

  /** Trunks that the plan speaks of. */
  private trunks(): string[] {
    const all = this.model.names.map((name) => this.model.files[name] ?? "").join("\n");
    const found = [...all.matchAll(/^\s*trunks?\s*=\s*(?:\[([^\]]*)\]|"([^"]*)")/gm)].flatMap((one) => (one[1] ?? `"${one[2] ?? ""}"`).match(/[a-z0-9_-]+/g) ?? []);
    return [...new Set(found)].sort();
  }

  private jump(name: string, line: number): void {
    if (name !== file) this.open(name);
    this.editor.reveal(line);
  }

  private open(name: string): void {
    file = name;
    this.update();
  }

  private async throwAway(): Promise<void> {
    try {
      await this.model.discard();
      this.context.say(this.words.discarded);
    } catch (problem) {
      this.notes.replaceChildren(problemBox(problem));
    }
  }

  /** Everything that depends on the draft. The editor is left alone while it says what the draft says. */
  private update(): void {
    const { model, words } = this;
    if (model.files[file] === undefined) file = model.names[0] ?? "";
    const text = model.files[file] ?? "";
    if (this.editor.open !== file || this.shown !== this.key(text)) this.editor.show(file, text);
    this.shown = this.key(text);
    this.editor.mark(model.problems);
    this.drawFiles();
    this.drawBar();
    this.drawNotes();
    this.drawMistakes();
    relabel(this.publish, model.running.approval && !model.approvedBy ? words.askApproval : model.approvedBy ? words.publishDraft : words.publish);
    const stuck = !model.differs || model.errors.length > 0 || model.checking;
    this.publish.disabled = stuck;
    this.discard.disabled = !model.differs;
    this.refresh();
  }

  /** What the editor says by itself is no news to it. */
  private key(text: string): string {
    return `${file}\n${text}`;
  }

  private drawFiles(): void {
    const { model, words } = this;
    const tab = (name: string): HTMLElement => {
      const bad = model.errors.filter((problem) => problem.file === name).length;
      const changed = model.files[name] !== model.running.files[name];
      return el("button", { type: "button", role: "tab", class: "tab", "aria-selected": String(name === file), tabindex: name === file ? "0" : "-1", click: () => this.open(name) }, name,
        ...(changed ? [el("span", { class: "dot-changed", title: words.changed }, el("span", { class: "kern-sr-only" }, ` (${words.changed})`))] : []), ...(bad ? [el("span", { class: "count-bad" }, ` ${bad}`, el("span", { class: "kern-sr-only" }, ` ${words.errors}`))] : []));
    };
    const had = this.files.contains(document.activeElement);
    this.files.replaceChildren(...model.names.map(tab));
    if (had) this.files.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    this.files.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const names = model.names;
      this.open(names[(names.indexOf(file) + step + names.length) % names.length] ?? file);
    };
  }

  private drawBar(): void {
    const { model, words } = this;
    const { running } = model;
    const of = running.version === 0 ? words.shipped : `${running.by}, ${moment(running.at, this.context.language)}${running.comment ? `: ${running.comment}` : ""}`;
    this.runs.replaceChildren(`${words.running} ${running.version} `, el("span", { class: "quiet" }, `(${of})`));
    const warnings = model.problems.length - model.errors.length;
    const verdict = model.checking ? badge("info", words.checking) : model.errors.length ? badge("danger", `${model.errors.length} ${words.errors}`) : badge("success", words.fine);
    const draft = !model.editable ? "" : !model.differs ? words.noDraft : model.saved ? words.draftSaved : words.draftUnsaved;
    const by = model.approvedBy ? ` · ${words.approved} ${model.approvedBy}` : "";
    this.state.replaceChildren(verdict, ...(warnings && !model.checking ? [badge("warning", `${warnings} ${words.warnings}`)] : []), el("span", { class: "quiet" }, `${draft}${by}`));
  }

  private drawNotes(): void {
    const { model, words } = this;
    const { running } = model;
    const refused = running.refused ? [alertBox("warning", `${words.refused}: ${running.refused.why}`)] : [];
    const readOnly = running.byFolder ? [el("p", { class: "kern-body quiet" }, words.byFolder)] : model.canEdit ? [] : [el("p", { class: "kern-body quiet" }, words.readOnly)];
    const older = model.editable && model.differs && model.parent !== running.version ? [alertBox("info", fill(words.otherParent, { parent: model.parent, version: running.version }))] : [];
    const trouble = model.trouble ? [problemBox(model.trouble)] : [];
    this.notes.replaceChildren(...refused, ...readOnly, ...older, ...trouble, ...waitingView(this.context, model, may(this.context.session, "publish"), words));
  }

  private drawMistakes(): void {
    const { model, words } = this;
    const one = (problem: Problem): HTMLElement => el("li", { class: problem.severity },
      el("button", { type: "button", class: "mistake", click: () => this.jump(problem.file, problem.line) }, el("span", { class: "where" }, `${problem.file}, ${words.line} ${problem.line}`), el("span", { class: "what" }, problem.message), el("span", { class: "help" }, problem.help)));
    const list = model.problems.length ? [el("h2", { class: "kern-title" }, words.problems), el("ul", {}, ...model.problems.map(one))] : [];
    const add = model.editable ? [el("div", { class: "file-buttons" }, button(words.newFile, () => this.newFile(), "tertiary kern-btn--x-small"), ...(model.names.length > 1 ? [button(words.deleteFile, () => this.deleteFile(), "tertiary kern-btn--x-small")] : []))] : [];
    const had = this.mistakes.contains(document.activeElement);
    this.mistakes.replaceChildren(...add, ...list);
    if (had) this.mistakes.querySelector<HTMLElement>("button")?.focus();
  }

  private newFile(): void {
    const { model, words } = this;
    const name = el("input", { type: "text", autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
    const input = field("file-name", words.fileName, words.newFileHint, name);
    const create = (close: () => void): void => {
      const wanted = name.value.trim();
      if (!/^[A-Za-z0-9][\w.-]*\.(toml|csv|ics)$/.test(wanted)) return input.complain(words.badName);
      if (model.files[wanted] !== undefined) return input.complain(words.nameTaken);
      close();
      file = wanted;
      model.edit(wanted, "");
    };
    dialog(words.newFile, [input.box], (close) => [button(WORDS[this.context.language].cancel, close), button(words.create, () => create(close), "primary")]);
    name.focus();
  }

  private deleteFile(): void {
    const { model, words, context } = this;
    const name = file;
    confirm(context.language, `${words.deleteFile}: ${name}`, words.deleteText, words.deleteFile, () => {
      this.editor.forget(name);
      model.remove(name);
    });
  }

  private treePanel(): HTMLElement {
    const { context, model, words } = this;
    const place = el("div", {});
    let first = true;
    const run = async (): Promise<HTMLElement[]> => {
      const found = await context.api.post<{ contexts: Branch[]; errors: number }>("/dialplan/tree", { files: model.files, language: context.language });
      this.tree = treeView(found.contexts, words, (name, line) => this.jump(name, line));
      this.tree.mark(file, this.line);
      return [...errorsNote(found.errors, words), this.tree.element];
    };
    let said = "";
    this.rerun = () => {
      const files = JSON.stringify(model.files);
      if (files === said) return;
      said = files;
      if (first) return (first = false), void loading(place, context.language, run);
      run().then((parts) => place.replaceChildren(...parts), (problem: unknown) => place.replaceChildren(problemBox(problem)));
    };
    this.rerun();
    return place;
  }
}
