import { expect, test } from "vitest";
import { BACKSPACE, Lines, NEW_LINE, Pace, difference, shown } from "./typing";

test("a change says what is taken back and what is typed anew", () => {
  expect(difference("", "Grü")).toBe("Grü");
  expect(difference("Grü", "Grüße")).toBe("ße");
  expect(difference("Hallo", "Halo")).toBe(BACKSPACE.repeat(2) + "o");
  expect(difference("a🙂", "a")).toBe(BACKSPACE);
  expect(difference("a", "a")).toBe("");
});

test("what is pasted goes at the pace of the gateway", () => {
  let now = 0;
  const pace = new Pace(() => now);
  expect(pace.take(1_000)).toBe(250);
  expect(pace.take(1)).toBe(0);
  now = 1_000;
  expect(pace.take(1_000)).toBe(28);
});

const texts = (lines: Lines) => lines.all.map((line) => `${line.name}: ${line.text}${line.state === "open" ? "…" : ""}`);

test("everybody has a line of their own while they type", () => {
  const lines = new Lines();
  lines.type(1, "Erika", "Gutn", 0);
  lines.type(2, "Max", "Hallo", 0);
  lines.type(1, "Erika", `${BACKSPACE}en Tag${NEW_LINE}Und`, 0);
  expect(texts(lines)).toEqual(["Erika: Guten Tag", "Max: Hallo…", "Erika: Und…"]);
  lines.left(2);
  expect(texts(lines)[1]).toBe("Max: Hallo");
});

test("a pause ends a line until its author goes on", () => {
  const lines = new Lines();
  lines.type(1, "Erika", "Also", 0);
  expect(lines.settle(5_000)).toBe(false);
  expect(lines.settle(6_000)).toBe(true);
  expect(texts(lines)).toEqual(["Erika: Also"]);
  lines.type(1, "Erika", " ja", 7_000);
  expect(texts(lines)).toEqual(["Erika: Also ja…"]);
  lines.settle(14_000);
  lines.type(2, "Max", "Nein", 14_000);
  lines.type(1, "Erika", "x", 14_000);
  expect(texts(lines)).toEqual(["Erika: Also ja", "Max: Nein…", "Erika: x…"]);
});

test("nothing but letters comes in, and nobody takes back what others wrote", () => {
  const lines = new Lines();
  lines.type(1, "Erika", `${NEW_LINE}${BACKSPACE}\u0007a${BACKSPACE}${BACKSPACE}`, 0);
  expect(lines.all).toEqual([]);
  lines.type(2, "Max", "b", 0);
  lines.type(1, "Erika", BACKSPACE, 0);
  expect(texts(lines)).toEqual(["Max: b…"]);
  expect(shown("a\ufffdb", "[…]")).toBe("a[…]b");
});
