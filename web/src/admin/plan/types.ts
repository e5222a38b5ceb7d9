// What the gateway tells of plans.

export type Files = Record<string, string>;

export interface Problem {
  severity: "error" | "warning";
  file: string;
  line: number;
  column: number;
  length?: number;
  message: string;
  help: string;
}

export interface Version {
  version: number;
  by: string;
  at: string;
  comment: string;
  fingerprint: string;
  parent: number;
  approvedBy?: string;
  restores?: number;
  fileCount: number;
  bytes: number;
}

export interface Running extends Version {
  rules: number;
  files: Files;
  refused?: { at: string; by: string; why: string; problems: Problem[] };
  byFolder: boolean;
  approval: boolean;
}

export interface DraftInfo {
  author: string;
  parent: number;
  comment: string;
  at: string;
  fingerprint: string;
  approvedBy?: string;
  revision: number;
}

export interface Draft extends DraftInfo {
  files: Files;
}

export interface Conflict {
  base: number;
  theirs: number;
  files: { name: string; side: "theirs" | "yours" | "both" | "conflict"; base?: string; theirs?: string; yours?: string; merged?: string }[];
  merged?: Files;
}

export interface Leaf {
  rule: string;
  file: string;
  line: number;
  condition: string;
  consequence: string;
  kind: string;
  goes: string | null;
}

export interface Branch {
  context: string;
  trunks: string[];
  include: string[];
  rules: Leaf[];
}

export interface Step {
  rule: string;
  place: string;
  context: string;
  outcome: string;
}

export interface Tried {
  at: string;
  international: string | null;
  rule: string | null;
  consequence: string;
  kind: string;
  steps: Step[];
  errors: number;
}

export interface Row {
  subject: "hours" | "rule";
  name: string;
  file: string;
  line: number;
  zone: string;
  days: { date: string; why: "holiday" | "closed" | "otherwise" | null; minutes: number; open: { from: string; to: string; start: number; end: number }[] }[];
}

export interface Stretch {
  from: string;
  to: string;
  count: number;
  rule: string | null;
  file: string | null;
  line: number | null;
  consequence: string;
  kind: string;
}

/** `10-amt.toml:14` */
export function placeOf(place: string): { file: string; line: number } {
  const at = place.lastIndexOf(":");
  return { file: place.slice(0, at), line: Number(place.slice(at + 1)) };
}
