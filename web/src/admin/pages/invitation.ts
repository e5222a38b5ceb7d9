// What goes into an invitation. In: a meeting, and the numbers that people dial. Out: a text, and a calendar file (RFC 5545).

import type { Language } from "../../protocol";
import { fill } from "../plan/words";
import { moment } from "../view";
import type { PageWords } from "./words";

export interface Meeting {
  room: string;
  id: string;
  title: string;
  pin?: string;
  moderatorPin?: string;
  asksForPin: boolean;
  opensAt: string | null;
  endsAt: string | null;
  lobby: boolean;
  source: "file" | "api";
  createdBy?: string;
}

export function invitation(meeting: Meeting, numbers: string, origin: string, language: Language, words: PageWords): string {
  const dial = numbers.split("\n").map((line) => line.trim()).filter(Boolean);
  const time = [meeting.opensAt, meeting.endsAt].filter(Boolean).map((at) => moment(at ?? undefined, language, { dateStyle: "full", timeStyle: "short" })).join(" – ");
  const pin = meeting.pin ? fill(words.thenPin, { pin: meeting.pin }) : "";
  const byPhone = dial.length ? ["", `${words.byPhone}:`, ...dial, `${fill(words.thenKey, { id: meeting.id })}${pin}`] : [];
  return [`${words.invite}: ${meeting.title || meeting.room}`, ...(time ? [time] : []), "", `${words.byBrowser}:`, `${origin}/r/${meeting.room}`, ...(meeting.pin ? [`${words.pin}: ${meeting.pin}`] : []), ...byPhone].join("\n");
}

/** An event of one meeting. Lines are folded at 75 bytes. */
export function calendar(meeting: Meeting, text: string, origin: string, now: Date): string {
  const utc = (time: string | Date): string => new Date(typeof time === "string" ? time.replace(/\[.*\]$/, "") : time).toISOString().replace(/[-:]|\.\d+/g, "");
  const escaped = (value: string): string => value.replace(/[\\;,]/g, (sign) => `\\${sign}`).replace(/\n/g, "\\n");
  const lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Einwahl//Einwahl//DE", "METHOD:PUBLISH", "BEGIN:VEVENT", `UID:${meeting.room}@${new URL(origin).hostname}`, `DTSTAMP:${utc(now)}`, `DTSTART:${utc(meeting.opensAt ?? "")}`,
    `DTEND:${utc(meeting.endsAt ?? "")}`, `SUMMARY:${escaped(meeting.title || meeting.room)}`, `LOCATION:${escaped(`${origin}/r/${meeting.room}`)}`, `DESCRIPTION:${escaped(text)}`, "END:VEVENT", "END:VCALENDAR"];
  return lines.map(folded).join("\r\n") + "\r\n";
}

function folded(line: string): string {
  const parts: string[] = [];
  let part = "";
  let bytes = 0;
  for (const sign of line) {
    const size = new TextEncoder().encode(sign).length;
    if (bytes + size > (parts.length ? 74 : 75)) {
      parts.push(part);
      part = "";
      bytes = 0;
    }
    part += sign;
    bytes += size;
  }
  return [...parts, part].join("\r\n ");
}
