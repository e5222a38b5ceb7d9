// Meetings: which there are, a new one, and what goes into the invitation.

import { button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { may } from "../session";
import { checkbox, confirm, dialog, download, empty, labelled, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { type Meeting, calendar, invitation } from "./invitation";
import { mayMail, sendByMail } from "./mail";
import { PAGE_WORDS, type PageWords } from "./words";

export function meetingsPage(context: Context): Page {
  const { api, language, session } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  let meetings: Meeting[] = [];
  const load = async (after?: string): Promise<HTMLElement[]> => {
    const found = await api.get<{ meetings: Meeting[]; next?: string }>(`/meetings${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    meetings = after ? [...meetings, ...found.meetings] : found.meetings;
    if (meetings.length === 0) return [empty(words.noMeetings, words.noMeetingsText)];
    const { next } = found;
    return [rows(context, meetings, words, run), ...(next ? [button(WORDS[language].more, () => void load(next).then((parts) => place.replaceChildren(...parts)))] : [])];
  };
  const run = (): void => void loading(place, language, () => load());
  const make = may(session, "write") ? [button(words.newMeeting, () => newMeeting(context, words, run), "primary")] : [];
  run();
  return { element: el("div", { class: "stack" }, el("div", { class: "title" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.meetings), ...make), place) };
}

function rows(context: Context, meetings: Meeting[], words: PageWords, again: () => void): HTMLElement {
  const { language, session } = context;
  const when = (one: Meeting): string => [one.opensAt, one.endsAt].map((time) => moment(time ?? undefined, language)).filter(Boolean).join(" – ") || words.always;
  const canDelete = (one: Meeting): boolean => may(session, "write") && one.source === "api";
  return table(words.meetings, [
    { name: words.titleOf, cell: (one: Meeting) => el("strong", {}, one.title || one.room) }, { name: words.room, cell: (one) => one.room }, { name: words.when, cell: when }, { name: words.id, cell: (one) => one.id, class: "tel" },
    { name: words.by, cell: (one) => one.createdBy ?? words.fromFile },
    { name: WORDS[language].actions, cell: (one) => el("div", { class: "row-buttons" }, button(words.invitation, () => invite(context, one, words), "secondary kern-btn--x-small", { "aria-label": `${words.invitation}: ${one.title || one.room}` }),
      ...(canDelete(one) ? [button(words.delete, () => remove(context, one, words, again), "secondary kern-btn--x-small", { "aria-label": `${words.delete}: ${one.title || one.room}` })] : [])) },
  ], meetings);
}

function remove(context: Context, meeting: Meeting, words: PageWords, again: () => void): void {
  confirm(context.language, `${words.delete}: ${meeting.title || meeting.room}`, words.deleteText, words.delete, () => {
    context.api.ask("DELETE", `/meetings/${meeting.room}`).then(() => (context.say(words.deleted), again()), (problem: unknown) => dialog(words.delete, [problemBox(problem)], (close) => [button(WORDS[context.language].close, close)]));
  });
}

function newMeeting(context: Context, words: PageWords, again: () => void): void {
  const problem = el("div", {});
  const title = el("input", { type: "text", maxlength: "200", autocomplete: "off" });
  const opens = el("input", { type: "datetime-local" });
  const ends = el("input", { type: "datetime-local" });
  const lobby = el("input", {});
  const create = (close: () => void): void => {
    const body = { title: title.value.trim(), lobby: lobby.checked, ...(opens.value ? { opensAt: opens.value } : {}), ...(ends.value ? { endsAt: ends.value } : {}) };
    context.api.post<Meeting>("/meetings", body).then(
      (made) => {
        close();
        context.say(words.made);
        again();
        invite(context, made, words);
      },
      (why: unknown) => problem.replaceChildren(problemBox(why)),
    );
  };
  dialog(words.newMeeting, [problem, labelled("meeting-title", words.titleOf, title, words.titleHint), el("div", { class: "pair" }, labelled("meeting-opens", words.opens, opens), labelled("meeting-ends", words.ends, ends)), checkbox("meeting-lobby", words.lobby, lobby)],
    (close) => [button(WORDS[context.language].cancel, close), button(words.create, () => create(close), "primary")]);
  title.focus();
}

/** The invitation as text and as a calendar file, with the numbers that people dial. */
function invite(context: Context, meeting: Meeting, words: PageWords): void {
  const common = WORDS[context.language];
  const numbers = el("textarea", { rows: "2", spellcheck: "false", autocomplete: "off", input: () => (localStorage.setItem("dial-in", numbers.value), draw()) });
  numbers.value = localStorage.getItem("dial-in") ?? "";
  const text = el("textarea", { rows: "12", readonly: true, class: "invitation" });
  const draw = (): void => void (text.value = written());
  const written = (): string => invitation(meeting, numbers.value, location.origin, context.language, words);
  const pins = meeting.asksForPin && !meeting.pin ? [el("p", { class: "kern-body quiet" }, words.hidden)] : [];
  const leads = meeting.moderatorPin ? [el("p", { class: "kern-body" }, `${words.moderatorPin}: `, el("code", {}, meeting.moderatorPin))] : [];
  const copy = (): void => void navigator.clipboard.writeText(text.value).then(() => context.say(common.copied));
  const ics = meeting.opensAt && meeting.endsAt ? [button(words.ics, () => download(`${meeting.room}.ics`, "text/calendar", calendar(meeting, written(), location.origin, new Date())))] : [];
  const mail = mayMail(context, meeting) ? [button(words.byMail, () => sendByMail(context, meeting, numbers.value, words))] : [];
  draw();
  dialog(`${words.invitation}: ${meeting.title || meeting.room}`, [...pins, ...leads, labelled("dial-in", words.dialIn, numbers, words.dialInHint), labelled("invitation", words.invitationText, text)],
    (close) => [button(common.close, close), ...ics, ...mail, button(common.copy, copy, "primary")], true);
}
