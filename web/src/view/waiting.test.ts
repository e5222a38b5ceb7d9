import { expect, test } from "vitest";
import { WORDS } from "../words";
import { times } from "./waiting";

const plan = { opensAt: "2026-11-25T17:00:00Z", endsAt: "2026-11-25T19:00:00Z" };
const since = new Date("2026-11-25T16:52:00Z");

test("who waits before the opening reads when it begins and since when they wait, in their language", () => {
  const german = times(plan, since, since, WORDS.de, "de", "Europe/Berlin");
  expect(german.map(([word]) => word)).toEqual(["Beginn", "Ende", "Sie warten seit"]);
  expect(german[0]?.[1]).toContain("25. November 2026");
  expect(german[0]?.[1]).toContain("18:00");
  expect(german[2]?.[1]).toBe("17:52");
  expect(times(plan, since, since, WORDS.en, "en", "Europe/Berlin")[0]?.[0]).toBe("Begins");
});

test("who waits in the lobby of an open meeting is not told of its beginning", () => {
  const later = new Date("2026-11-25T17:30:00Z");
  expect(times(plan, since, later, WORDS.de, "de", "Europe/Berlin").map(([word]) => word)).toEqual(["Ende", "Sie warten seit"]);
  expect(times({}, since, later, WORDS.de, "de").length).toBe(1);
});
