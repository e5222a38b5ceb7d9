// What differs between two versions of the files. In: texts. Out: lines that one can read, also by ear.

import { Chunk } from "@codemirror/merge";
import { Text } from "@codemirror/state";

import { el } from "../../view/dom";
import type { Files } from "./types";
import type { PlanWords } from "./words";

export interface Line {
  kind: "same" | "added" | "removed" | "gap";
  text: string;
  /** Its number where it is now; where it was, for one that is removed. */
  number: number;
}

/** So many lines are shown around what differs. */
const AROUND = 3;

export function lines(before: string, after: string): Line[] {
  const [old, now] = [Text.of(before.split("\n")), Text.of(after.split("\n"))];
  const found: Line[] = [];
  let next = 1;
  const same = (to: number): void => {
    for (; next < to && next <= now.lines; next += 1) found.push({ kind: "same", text: now.line(next).text, number: next });
  };
  for (const chunk of Chunk.build(old, now)) {
    same(now.lineAt(chunk.fromB).number);
    if (chunk.fromA < chunk.toA) for (let at = old.lineAt(chunk.fromA).number; at <= old.lineAt(chunk.endA).number; at += 1) found.push({ kind: "removed", text: old.line(at).text, number: at });
    if (chunk.fromB < chunk.toB) for (next = now.lineAt(chunk.fromB).number; next <= now.lineAt(chunk.endB).number; next += 1) found.push({ kind: "added", text: now.line(next).text, number: next });
  }
  same(now.lines + 1);
  return folded(found);
}

/** Leaves out what is the same and far from what is not. */
function folded(all: Line[]): Line[] {
  const near = all.map((_, at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.kind !== "same"));
  if (!near.includes(true)) return [];
  return all.flatMap((line, at) => (near[at] ? [line] : near[at - 1] ?? true ? [{ kind: "gap" as const, text: "…", number: line.number }] : []));
}

/** Each file that differs, with its lines. */
export function diffView(before: Files, after: Files, words: PlanWords): HTMLElement {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().filter((name) => before[name] !== after[name]);
  if (names.length === 0) return el("p", { class: "kern-body quiet" }, words.nothingChanged);
  const file = (name: string): HTMLElement => {
    const what = before[name] === undefined ? words.added : after[name] === undefined ? words.removed : words.changed;
    return el("section", { class: "diff", "aria-label": `${name}: ${what}` }, el("h3", { class: "kern-title" }, name, el("span", { class: "quiet" }, ` ${what}`)), linesView(lines(before[name] ?? "", after[name] ?? ""), words));
  };
  return el("div", { class: "stack" }, ...names.map(file));
}

export function linesView(all: Line[], words: PlanWords): HTMLElement {
  const sign = { same: " ", added: "+", removed: "−", gap: " " };
  const said = { same: "", gap: "", added: words.lineAdded, removed: words.lineRemoved };
  const row = (line: Line): HTMLElement => el("li", { class: `line ${line.kind}` }, el("span", { class: "number", "aria-hidden": "true" }, line.kind === "gap" ? "" : String(line.number)),
    el("span", { class: "sign", "aria-hidden": "true" }, sign[line.kind]), ...(said[line.kind] ? [el("span", { class: "kern-sr-only" }, `${said[line.kind]}: `)] : []), el("code", {}, line.text));
  return el("ol", { class: "lines", tabindex: "0", "aria-label": words.changes }, ...all.map(row));
}
