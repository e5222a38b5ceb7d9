import { expect, test } from "vitest";
import { lines } from "./diff";

const shown = (before: string, after: string): string[] => lines(before, after).map((line) => `${{ same: " ", added: "+", removed: "-", gap: "…" }[line.kind]}${line.text}`);

test("a changed line is one that goes and one that comes, with three around it", () => {
  expect(shown("a\nb\nc\nd\ne\nf\ng", "a\nb\nc\nd\nE\nf\ng")).toEqual(["……", " b", " c", " d", "-e", "+E", " f", " g"]);
});

test("a line that is put in, and one that is taken out, say where they stand", () => {
  expect(shown("a\nc", "a\nb\nc")).toEqual([" a", "+b", " c"]);
  expect(shown("a\nb\nc", "a\nc")).toEqual([" a", "-b", " c"]);
  expect(lines("a\nc", "a\nb\nc")[1]?.number).toBe(2);
});

test("what is the same is not shown", () => {
  expect(shown("a\nb", "a\nb")).toEqual([]);
});

test("a file that is new or gone is all lines", () => {
  expect(shown("", "a\nb").filter((line) => line.startsWith("+"))).toEqual(["+a", "+b"]);
  expect(shown("a\nb", "").filter((line) => line.startsWith("-"))).toEqual(["-a", "-b"]);
});
