// The editor of one plan: a tab for each file, what is wrong marked in the text. It stands in a shadow root, where a stylesheet may be
// made by script although the page's policy allows none inline.

import { autocompletion, closeBrackets, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, type Text } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import type { Language } from "../../protocol";
import { el } from "../../view/dom";
import type { Problem } from "./types";
import { wordsAt } from "./toml_words";

const THEME = EditorView.theme({
  "&": { height: "100%", fontSize: "0.9375rem", color: "var(--ink)", backgroundColor: "var(--ground)" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "-3px" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'DejaVu Sans Mono', Consolas, monospace", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", paddingBottom: "4rem" },
  ".cm-gutters": { backgroundColor: "var(--soft)", color: "var(--quiet)", borderRight: "1px solid var(--edge)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, transparent)", color: "var(--ink)" },
  "&.cm-focused .cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--ground)", color: "var(--ink)", border: "1px solid var(--edge)", borderRadius: "0.25rem", maxWidth: "min(32rem, 80vw)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--ground)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.8" },
  ".cm-diagnostic": { padding: "0.5rem 0.75rem", whiteSpace: "pre-wrap", fontFamily: "'Fira Sans', system-ui, sans-serif" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--bad)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--raised)" },
  ".cm-panels": { backgroundColor: "var(--soft)", color: "var(--ink)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--raised) 1.5px", textUnderlineOffset: "3px" },
});

const COLOURS = syntaxHighlighting(HighlightStyle.define([
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--live)" },
  { tag: [tags.propertyName, tags.variableName], color: "var(--accent)" },
  { tag: [tags.bool, tags.number, tags.atom], color: "var(--raised)" },
]));

export interface EditorHandles {
  change(name: string, text: string): void;
  /** Where one is. */
  moved(name: string, line: number): void;
}

export class Editor {
  readonly element = el("div", { class: "editor" });
  private readonly view: EditorView;
  private readonly states = new Map<string, EditorState>();
  private name = "";

  constructor(private readonly language: Language, private readonly label: string, private readonly readOnly: boolean, private readonly handles: EditorHandles) {
    const root = this.element.attachShadow({ mode: "open" });
    this.view = new EditorView({ parent: root, root });
    this.view.dom.style.height = "100%";
  }

  get open(): string {
    return this.name;
  }

  /** Shows a file, with what one did in it before. */
  show(name: string, text: string): void {
    if (this.name) this.states.set(this.name, this.view.state);
    this.name = name;
    const kept = this.states.get(name);
    this.view.setState(kept?.doc.toString() === text ? kept : EditorState.create({ doc: text, extensions: this.extensions(name) }));
  }

  /** Marks what is wrong in the file that is shown. */
  mark(problems: Problem[]): void {
    const { doc } = this.view.state;
    const diagnostics: Diagnostic[] = problems.filter((problem) => problem.file === this.name).map((problem) => {
      const from = offset(doc, problem.line, problem.column);
      return { from, to: Math.max(from, offset(doc, problem.line, problem.column + (problem.length ?? 1))), severity: problem.severity, message: `${problem.message}\n→ ${problem.help}` };
    });
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics.sort((one, other) => one.from - other.from)));
  }

  /** Goes to a line, and shows it in the middle. */
  reveal(line: number, focus = true): void {
    const { doc } = this.view.state;
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    this.view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
    if (focus) this.view.focus();
  }

  forget(name: string): void {
    this.states.delete(name);
    if (this.name === name) this.name = "";
  }

  destroy(): void {
    this.view.destroy();
  }

  private extensions(name: string): Extension {
    return [
      lineNumbers(), highlightActiveLineGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), lintGutter(),
      ...(name.endsWith(".toml") ? [StreamLanguage.define(toml), autocompletion({ override: [(context) => this.complete(context)], icons: false })] : []),
      keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]), THEME, COLOURS, EditorView.lineWrapping,
      EditorState.readOnly.of(this.readOnly), EditorView.contentAttributes.of({ tabindex: "0", "aria-label": `${this.label}: ${name}`, spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) this.handles.change(name, update.state.doc.toString());
        if (update.selectionSet || update.docChanged) this.handles.moved(name, update.state.doc.lineAt(update.state.selection.main.head).number);
      }),
    ];
  }

  private complete(context: CompletionContext): CompletionResult | null {
    const before = context.state.sliceDoc(0, context.pos);
    const word = context.matchBefore(/[\w.[\]-]*$/);
    if (!word || (word.from === word.to && !context.explicit && !before.endsWith('"'))) return null;
    const options = wordsAt(before, context.state.doc.toString()).map((one) => ({ label: one.label, detail: one.detail[this.language], ...(one.apply ? { apply: one.apply } : {}) }));
    return options.length ? { from: word.from, options } : null;
  }
}

/** A place as the gateway tells it, in characters from 1; the editor counts UTF-16 from 0. */
export function offset(doc: Text, line: number, column: number): number {
  if (line < 1 || line > doc.lines) return doc.length;
  const at = doc.line(line);
  return at.from + [...at.text].slice(0, Math.max(0, column - 1)).join("").length;
}
