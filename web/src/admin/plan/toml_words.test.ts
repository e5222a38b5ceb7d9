import { expect, test } from "vitest";
import { wordsAt } from "./toml_words";

const labels = (before: string, all = before): string[] => wordsAt(before, all).map((one) => one.label);

test("in a rule the words of a rule are offered, and in hours those of hours", () => {
  expect(labels('[[rule]]\nname = "Amt"\ncal')).toContain("called");
  expect(labels("[hours.amt]\nho")).toContain("holidays");
  expect(labels("[hours.amt]\nho")).not.toContain("menu");
});

test("values are those that the plan names", () => {
  const all = "[contexts.haus]\n[hours.amt]\nmon-fri = \"08:00-16:00\"\n[[rule]]\nname = \"Rat\"\n";
  expect(labels(`${all}[[rule]]\ngo = "`, all)).toEqual(["main", "haus"]);
  expect(labels(`${all}[[rule]]\nwhen = { open = "`, all)).toEqual(["amt"]);
  expect(labels(`${all}[[example]]\nexpect = "`, all)).toEqual(["Rat"]);
  expect(labels('[[rule]]\nreject = "')).toContain("busy");
  expect(labels('[hours.amt]\n[queues.buero]\nopens = "')).toEqual(["amt"]);
  expect(labels('[queues.buero]\n[[rule]]\nqueue = "')).toEqual(["buero"]);
  expect(labels('[callbacks.buero]\n[[rule]]\ncallback = "')).toEqual(["buero"]);
  expect(labels("[callbacks.buero]\nmin")).toContain("minutes");
});

test("in the middle of something else nothing is offered", () => {
  expect(labels('[[rule]]\nname = "Amt" #')).toEqual([]);
});
