// The draft in this browser: its files, what is wrong with them, and whether the gateway keeps it. Views listen; none owns it, so
// a language or a view can be changed without losing a word.

import { Problem as Refused, type Api } from "../api";
import { debounced } from "../view";
import type { Draft, DraftInfo, Files, Problem, Running } from "./types";

/** So long nothing is typed before the draft is checked, and before it is kept. */
const CHECK_AFTER = 400;
const SAVE_AFTER = 1_500;

export class PlanModel {
  running!: Running;
  files: Files = {};
  /** The version that the draft was made from. */
  parent = 0;
  problems: Problem[] = [];
  checking = false;
  /** Why nothing could be checked or kept, if so. */
  trouble: unknown;
  saved = true;
  comment = "";
  approvedBy: string | undefined;
  waiting: DraftInfo[] = [];
  private revision: number | undefined;
  private checks = 0;
  private saving: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<() => void>();
  private readonly checkSoon = debounced(CHECK_AFTER, () => void this.check());
  private readonly saveSoon = debounced(SAVE_AFTER, () => void this.save());

  constructor(private readonly api: Api, readonly canEdit: boolean) {}

  async load(): Promise<void> {
    this.running = await this.api.get<Running>("/dialplan");
    const draft = this.canEdit && !this.running.byFolder ? await this.ownDraft() : undefined;
    this.take(draft);
    this.waiting = (await this.api.get<{ drafts: DraftInfo[] }>("/dialplan/drafts")).drafts;
    await this.check();
  }

  private async ownDraft(): Promise<Draft | undefined> {
    try {
      return await this.api.get<Draft>("/dialplan/draft");
    } catch (problem) {
      if (problem instanceof Refused && problem.told.status === 404) return undefined;
      throw problem;
    }
  }

  private take(draft: Draft | undefined): void {
    this.files = { ...(draft?.files ?? this.running.files) };
    this.parent = draft?.parent ?? this.running.version;
    this.revision = draft?.revision;
    this.comment = draft?.comment ?? "";
    this.approvedBy = draft?.approvedBy;
    this.saved = true;
  }

  get editable(): boolean {
    return this.canEdit && !this.running.byFolder;
  }

  get names(): string[] {
    return Object.keys(this.files).sort();
  }

  get errors(): Problem[] {
    return this.problems.filter((problem) => problem.severity === "error");
  }

  /** Whether the draft says something else than the running plan. */
  get differs(): boolean {
    const running = this.running.files;
    return this.names.length !== Object.keys(running).length || this.names.some((name) => this.files[name] !== running[name]);
  }

  on(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  edit(name: string, text: string): void {
    if (this.files[name] === text) return;
    this.files = { ...this.files, [name]: text };
    this.touched();
  }

  remove(name: string): void {
    const { [name]: _gone, ...rest } = this.files;
    this.files = rest;
    this.touched();
  }

  /** Takes decided files over, made from a version that somebody else published. */
  rebase(files: Files, parent: number): void {
    this.files = { ...files };
    this.parent = parent;
    this.touched();
  }

  private touched(): void {
    this.saved = false;
    this.approvedBy = undefined;
    this.tell();
    this.checkSoon();
    if (this.editable) this.saveSoon();
  }

  async check(): Promise<void> {
    const mine = ++this.checks;
    this.checking = true;
    this.tell();
    try {
      const found = await this.api.post<{ problems: Problem[] }>("/dialplan/check", { files: this.files });
      if (mine !== this.checks) return;
      this.problems = found.problems;
      this.trouble = undefined;
    } catch (problem) {
      if (mine !== this.checks) return;
      this.trouble = problem;
    }
    this.checking = false;
    this.tell();
  }

  /** Keeps the draft now; one at a time, so that each knows what the last one wrote. */
  save(): Promise<void> {
    this.saving = this.saving.then(() => this.keep());
    return this.saving;
  }

  private async keep(): Promise<void> {
    if (this.saved || !this.editable) return;
    const { files, parent, comment } = this;
    const expects: Record<string, string> = this.revision === undefined ? {} : { "if-match": `"${this.revision}"` };
    try {
      const kept = await this.api.ask<DraftInfo>("PUT", "/dialplan/draft", { files, parent, comment }, expects);
      this.revision = kept.revision;
      this.saved = this.files === files;
      this.trouble = undefined;
    } catch (problem) {
      this.trouble = problem;
    }
    this.tell();
  }

  async discard(): Promise<void> {
    await this.saving;
    if (this.revision !== undefined) await this.api.ask("DELETE", "/dialplan/draft");
    this.take(undefined);
    this.tell();
    await this.check();
  }

  /** After something was published: what runs is now the base. */
  async published(): Promise<void> {
    await this.load();
    this.tell();
  }
}
