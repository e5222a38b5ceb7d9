// What is under way: calls and meetings, as the gateway tells it from moment to moment.

import { button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { may } from "../session";
import { badge, confirm, empty, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { type Live, type LiveCall, type LiveChange, type LiveRoom, merged } from "./now";
import { PAGE_WORDS, type PageWords } from "./words";

export function livePage(context: Context): Page {
  const { api, events, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  const problem = el("div", {});
  const plan = el("p", { class: "kern-body quiet" });
  let now: Live | undefined;
  let shown = "";
  const act = (path: string, body?: unknown): void => {
    problem.replaceChildren();
    api.post(`/live/${path}`, body).then(() => context.say(words.done), (why: unknown) => problem.replaceChildren(problemBox(why, language)));
  };
  const parts = (live: Live): HTMLElement[] => {
    plan.textContent = `${words.plan} ${live.plan.version}`;
    const calls = live.calls.length ? callRows(context, live.calls, words, act) : empty(words.noNow, words.noNowText);
    const rooms = live.rooms.length ? live.rooms.map((room) => roomView(context, room, words, act)) : [el("p", { class: "kern-body quiet" }, words.noRooms)];
    return [el("div", { class: "stack" }, el("h2", { class: "kern-heading-medium" }, words.nowCalls), calls, el("h2", { class: "kern-heading-medium" }, words.nowRooms), ...rooms)];
  };
  /** Drawn anew only if something else is to be seen; who has the focus on a button keeps it on the one with the same name. */
  const draw = (): void => {
    const said = JSON.stringify(now);
    if (!now || said === shown) return;
    shown = said;
    const focused = place.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : undefined;
    place.replaceChildren(...parts(now));
    if (focused) place.querySelector<HTMLElement>(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  void loading(place, language, async () => {
    now = await api.get<Live>("/live");
    shown = JSON.stringify(now);
    return parts(now);
  });
  const stops = [
    events.on("live", (live) => ((now = live as Live), draw())),
    events.on("change", (change) => ((now = now && merged(now, change as LiveChange)), draw())),
  ];
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.live), plan, problem, place), leave: () => stops.forEach((stop) => stop()) };
}

type Act = (path: string, body?: unknown) => void;

function callRows(context: Context, calls: LiveCall[], words: PageWords, act: Act): HTMLElement {
  const { language, session } = context;
  const loss = (call: LiveCall): string => (call.quality ? `${(call.quality.lossIn / 100).toFixed(1)} %, ${call.quality.jitterIn} ms` : "–");
  const hangUp = (call: LiveCall): void => confirm(language, `${words.hangUp}: ${call.caller ?? words.withheld}`, words.hangUpText, words.hangUp, () => act(`calls/${call.id}/hangup`));
  return table(words.nowCalls, [
    { name: words.since, cell: (call: LiveCall) => moment(call.since, language, { timeStyle: "medium" }) }, { name: words.direction, cell: (call) => (call.direction === "in" ? words.in : words.out) }, { name: words.caller, cell: (call) => call.caller ?? words.withheld, class: "tel" }, { name: words.called, cell: (call) => call.called, class: "tel" },
    { name: words.trunk, cell: (call) => call.trunk ?? words.none }, { name: words.codec, cell: (call) => call.codec ?? "–" }, { name: words.quality, cell: loss }, { name: words.room, cell: (call) => call.room ?? "–" },
    { name: WORDS[language].actions, cell: (call) => (may(session, "operate") ? el("div", { class: "row-buttons" }, button(words.hangUp, () => hangUp(call), "secondary kern-btn--x-small", { "aria-label": `${words.hangUp}: ${words.call} ${call.id}` })) : "") },
  ], calls);
}

function roomView(context: Context, room: LiveRoom, words: PageWords, act: Act): HTMLElement {
  const { language, session } = context;
  const operates = may(session, "operate");
  const marks = (one: LiveRoom["participants"][number]): string => [one.kind === "phone" ? words.phone : words.browser, one.role === "moderator" ? words.moderator : "", one.lobby ? words.waits : "", one.muted ? words.muted : "", one.away ? words.away : ""].filter(Boolean).join(", ");
  const people = el("ul", { class: "people" }, ...room.participants.map((one) => el("li", { class: "person" }, el("span", { class: "who" }, el("span", { class: "name" }, one.name), el("span", { class: "marks" }, marks(one))),
    ...(operates && !one.lobby ? [button(one.muted ? words.unmute : words.mute, () => act(`rooms/${room.room}/participants/${one.id}/mute`, { on: !one.muted }), "secondary kern-btn--x-small", { "aria-label": `${one.muted ? words.unmute : words.mute}: ${one.name} (${one.id})` })] : []))));
  const end = operates ? [button(words.endRoom, () => confirm(language, `${words.endRoom}: ${room.title || room.room}`, words.endRoomText, words.endRoom, () => act(`rooms/${room.room}/end`)), "secondary kern-btn--x-small", { "aria-label": `${words.endRoom}: ${room.room}` })] : [];
  return el("section", { class: "now-room" }, el("div", { class: "list-head" }, el("h3", { class: "kern-title" }, room.title || room.room, " ", el("span", { class: "count" }, String(room.participants.length))), ...(room.locked ? [badge("warning", words.locked)] : []), ...end), people);
}
