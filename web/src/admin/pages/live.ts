// What is under way: calls and meetings, as the gateway tells it from moment to moment.

import { button, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { may } from "../session";
import { badge, confirm, debounced, dialog, empty, labelled, loading, moment, problemBox, table } from "../view";
import { WORDS } from "../words";
import { type Callback, type Live, type LiveCall, type LiveChange, type LiveRoom, merged } from "./now";
import { PAGE_WORDS, type PageWords } from "./words";

export function livePage(context: Context): Page {
  const { api, events, language, session } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  const problem = el("div", {});
  const plan = el("p", { class: "kern-body quiet" });
  const back = el("div", { class: "stack" });
  let now: Live | undefined;
  let shown = "";
  const act = (path: string, body?: unknown): void => {
    problem.replaceChildren();
    api.post(`/live/${path}`, body).then(() => context.say(words.done), (why: unknown) => problem.replaceChildren(problemBox(why)));
  };
  /** Who waits to be called back; only those who may do something about it see them. */
  const lookBack = async (): Promise<void> => {
    const { callbacks } = await api.get<{ callbacks: Callback[] }>("/callbacks");
    const drop = (one: Callback): void => confirm(language, `${words.drop}: ${one.number}`, words.dropText, words.drop, () => {
      problem.replaceChildren();
      api.ask("DELETE", `/callbacks/${one.id}`).then(() => (context.say(words.done), lookBack()), (why: unknown) => problem.replaceChildren(problemBox(why)));
    });
    const focused = back.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : undefined;
    back.replaceChildren(el("h2", { class: "kern-heading-medium" }, words.callbacks), callbacks.length ? callbackRows(context, callbacks, words, drop) : el("p", { class: "kern-body quiet" }, words.noCallbacks));
    if (focused) back.querySelector<HTMLElement>(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  };
  const lookBackSoon = debounced(500, () => void lookBack().catch(() => undefined));
  const operates = may(session, "operate");
  if (operates) lookBackSoon();
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
    events.on("change", (change) => ((now = now && merged(now, change as LiveChange)), operates && lookBackSoon(), draw())),
  ];
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.live), plan, problem, place, back), leave: () => stops.forEach((stop) => stop()) };
}

type Act = (path: string, body?: unknown) => void;

function callRows(context: Context, calls: LiveCall[], words: PageWords, act: Act): HTMLElement {
  const { language, session } = context;
  const loss = (call: LiveCall): string => (call.quality ? `${(call.quality.lossIn / 100).toFixed(1)} %, ${call.quality.jitterIn} ms` : "–");
  const hangUp = (call: LiveCall): void => confirm(language, `${words.hangUp}: ${call.caller ?? words.withheld}`, words.hangUpText, words.hangUp, () => act(`calls/${call.id}/hangup`));
  const transfer = (call: LiveCall): void => transferDialog(context, call, words);
  const name = (act: string, call: LiveCall): Record<string, string> => ({ "aria-label": `${act}: ${words.call} ${call.id}` });
  const buttons = (call: LiveCall): HTMLElement => el("div", { class: "row-buttons" },
    ...(call.direction === "in" ? [button(words.transfer, () => transfer(call), "secondary kern-btn--x-small", name(words.transfer, call))] : []), button(words.hangUp, () => hangUp(call), "secondary kern-btn--x-small", name(words.hangUp, call)));
  return table(words.nowCalls, [
    { name: words.since, cell: (call: LiveCall) => moment(call.since, language, { timeStyle: "medium" }) }, { name: words.direction, cell: (call) => (call.direction === "in" ? words.in : words.out) }, { name: words.caller, cell: (call) => call.caller ?? (call.direction === "out" ? "–" : words.withheld), class: "tel" }, { name: words.called, cell: (call) => call.called, class: "tel" },
    { name: words.trunk, cell: (call) => call.trunk ?? words.none }, { name: words.codec, cell: (call) => (call.codec ? `${call.codec}${call.encrypted ? ", SRTP" : ""}` : "–") }, { name: words.quality, cell: loss }, { name: words.room, cell: (call) => call.room ?? "–" },
    { name: WORDS[language].actions, cell: (call) => (may(session, "operate") ? buttons(call) : "") },
  ], calls);
}

/** Asks where a call is to go on; what the plan says against it is told there. */
function transferDialog(context: Context, call: LiveCall, words: PageWords): void {
  const { api, language } = context;
  const problem = el("div", {});
  const to = el("input", { type: "tel", autocomplete: "off", maxlength: "64" });
  const send = (): void => {
    api.post(`/live/calls/${call.id}/transfer`, { to: to.value }).then(() => (asked.close(), context.say(words.done)), (why: unknown) => problem.replaceChildren(problemBox(why)));
  };
  to.addEventListener("keydown", (event) => event.key === "Enter" && send());
  const asked = dialog(`${words.transfer}: ${call.caller ?? words.withheld}`, [labelled("transfer-to", words.transferTo, to, words.transferHint), problem], (close) => [button(WORDS[language].cancel, close), button(words.transfer, send, "primary")]);
}

function callbackRows(context: Context, callbacks: Callback[], words: PageWords, drop: (one: Callback) => void): HTMLElement {
  const { language } = context;
  return table(words.callbacks, [
    { name: words.office, cell: (one: Callback) => one.office }, { name: words.caller, cell: (one) => one.number, class: "tel" }, { name: words.asked, cell: (one) => moment(one.asked, language) }, { name: words.tries, cell: (one) => String(one.tries), class: "figure" },
    { name: words.next, cell: (one) => (one.underWay ? badge("info", words.underWay) : moment(one.next, language)) }, { name: words.until, cell: (one) => moment(one.until, language) },
    { name: WORDS[language].actions, cell: (one) => button(words.drop, () => drop(one), "secondary kern-btn--x-small", { "aria-label": `${words.drop}: ${one.office} ${one.id}` }) },
  ], callbacks);
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
