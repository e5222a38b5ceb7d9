import { expect, test } from "vitest";
import { decided } from "./conflict";
import type { Conflict } from "./types";

const conflict: Conflict = {
  base: 3, theirs: 4,
  files: [
    { name: "a.toml", side: "conflict", base: "1", theirs: "2", yours: "3" },
    { name: "b.toml", side: "both", base: "x\ny", theirs: "X\ny", yours: "x\nY", merged: "X\nY" },
    { name: "c.toml", side: "theirs", base: "gone" },
    { name: "d.toml", side: "theirs", theirs: "new" },
  ],
};

test("each file is as it was decided, and those that nobody changed stay", () => {
  const choices = new Map([["a.toml", "yours"], ["b.toml", "merged"], ["c.toml", "theirs"], ["d.toml", "theirs"]] as const);
  expect(decided({ "a.toml": "3", "b.toml": "x\nY", "c.toml": "gone", "e.toml": "same" }, conflict, choices))
    .toEqual({ "a.toml": "3", "b.toml": "X\nY", "d.toml": "new", "e.toml": "same" });
});
