import { expect, test } from "vitest";
import { type Meeting, calendar, invitation } from "./invitation";
import { PAGE_WORDS } from "./words";

const meeting: Meeting = {
  room: "bau", id: "12345678", title: "Bauausschuss; Straßen, Wege", pin: "471147", asksForPin: true, opensAt: "2026-11-25T18:00:00+01:00[Europe/Berlin]", endsAt: "2026-11-25T20:00:00+01:00[Europe/Berlin]", lobby: false, source: "api",
};

test("an invitation says how one comes in by browser and by telephone", () => {
  const text = invitation(meeting, "030 9018 4000\n\n+49 30 9018 4000", "https://k.stadt.example:8443", "de", PAGE_WORDS.de);
  expect(text).toContain("https://k.stadt.example:8443/r/bau");
  expect(text).toContain("030 9018 4000\n+49 30 9018 4000\nDann Konferenznummer 12345678 und #, danach die PIN 471147 und #");
  expect(text).toContain("25. November 2026 um 18:00");
});

test("a calendar file has UTC, escaped texts and short lines", () => {
  const file = calendar(meeting, "Zeile 1\nZeile 2, mit Komma und so lang, dass sie umgebrochen wird: äöü äöü äöü äöü äöü", "https://k.stadt.example:8443", new Date("2026-11-20T08:00:00Z"));
  expect(file).toContain("DTSTART:20261125T170000Z\r\nDTEND:20261125T190000Z");
  expect(file).toContain("SUMMARY:Bauausschuss\\; Straßen\\, Wege");
  expect(file.split("\r\n").every((line) => new TextEncoder().encode(line).length <= 75)).toBe(true);
  expect(file.replace(/\r\n /g, "")).toContain("Zeile 1\\nZeile 2\\, mit Komma");
});
