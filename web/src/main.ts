// The page: which view is shown, and what passes between the views, the sound and the gateway.

import "@kern-ux/native/dist/kern.min.css";
import "./style.css";

import { Connection } from "./connection";
import type { Action, Answer, Language, Refusal } from "./protocol";
import { Sound } from "./sound";
import { type Meeting, follow, welcome, withSnapshot } from "./state";
import { Lines } from "./typing";
import { alertBox, button, el } from "./view/dom";
import { type JoinForm, type Wish, joinForm, roomForm } from "./view/join";
import { type MeetingView, meetingView } from "./view/meeting";
import { type TextPanel, textPanel } from "./view/text";
import { type Plan, times, waitingView } from "./view/waiting";
import { ENDS, NOTICES, WORDS, initialLanguage } from "./words";

const room = /^\/r\/([^/]+)$/.exec(location.pathname)?.[1] ?? "";
const page = document.getElementById("page") as HTMLElement;
const players = el("div", { hidden: true });
const status = el("div", { class: "status", role: "status", "aria-live": "polite" });
const banner = el("div", { class: "banner" });
const stage = el("div", { class: "stage" });

let language: Language = initialLanguage();
let wish: Wish = { name: localStorage.getItem("name") ?? "", pin: "" };
let needsPin = false;
let problem = "";
let token = "";
let connection: Connection | undefined;
let meeting: Meeting | undefined;
let view: MeetingView | undefined;
let text: TextPanel | undefined;
let lines = new Lines();
let form: JoinForm | undefined;
let over: keyof (typeof ENDS)["de"] | undefined;
let notOpen = false;
let plan: Plan = {};
let since: Date | undefined;

const words = () => WORDS[language];
const sound = new Sound(players, askForSound, () => void repair());

function askForSound(): void {
  const turnOn = button(words().soundOn, () => void sound.unblock().then(() => banner.replaceChildren()), "primary");
  banner.replaceChildren(alertBox("warning", words().soundBlocked, el("div", { class: "kern-alert__body" }, turnOn)));
}

/** The sound broke while the WebSocket stands: a new way is looked for, and the place in the roster is kept. */
async function repair(): Promise<void> {
  const sdp = await sound.restart();
  connection?.say({ type: "offer", sdp });
}

function join(next: Wish): void {
  wish = next;
  problem = "";
  localStorage.setItem("name", wish.name);
  form?.stop();
  form = undefined;
  token = "";
  over = undefined;
  stage.replaceChildren(el("p", { class: "kern-body narrow", role: "status" }, words().joining));
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  connection?.close();
  connection = new Connection(`${scheme}://${location.host}/api/v1/rooms/${encodeURIComponent(room)}/ws`, {
    greet: async () => {
      if (token) return sound.works ? { type: "resume", token } : { type: "resume", token, offer: await sound.restart() };
      const pin = wish.pin ? { pin: wish.pin } : {};
      return { type: "join", name: wish.name, offer: await sound.offer(), ...pin };
    },
    hear,
    stands: (up) => {
      const was = banner.dataset["broken"] === "yes";
      banner.dataset["broken"] = up ? "no" : "yes";
      if (!up) banner.replaceChildren(alertBox("warning", words().reconnecting));
      else if (was) banner.replaceChildren(), say(words().reconnected);
    },
  });
}

function hear(answer: Answer): void {
  switch (answer.type) {
    case "welcome":
      token = answer.token;
      if (answer.relay) sound.relayBy(answer.relay);
      if (answer.answer) void sound.accept(answer.answer);
      meeting = welcome(answer);
      plan = answer;
      since = meeting.waiting ? (since ?? new Date()) : undefined;
      return render();
    case "planned":
      plan = answer;
      return render();
    case "answer":
      return void sound.accept(answer.sdp);
    case "admitted":
      if (meeting) meeting = withSnapshot(meeting, answer.snapshot);
      return render();
    case "event":
      if (meeting) {
        tellOf(answer, meeting);
        meeting = follow(meeting, answer.revision, answer.event);
      }
      return render();
    case "speaking":
      if (meeting) meeting = { ...meeting, speaking: new Set(answer.participants) };
      return render();
    case "text": {
      const who = meeting?.participants.get(answer.who);
      if (who) text?.type(who, answer.text);
      return;
    }
    case "notice":
      notOpen = answer.notice === "notOpenYet";
      say(NOTICES[language][answer.notice] ?? "");
      return render();
    case "refused":
      return refused(answer);
    case "ended":
      over = answer.why;
      return finish();
  }
}

/** Those who do not look at the roster hear who comes and goes. */
function tellOf(answer: Extract<Answer, { type: "event" }>, before: Meeting): void {
  const { event } = answer;
  if (answer.revision <= before.revision) return;
  if (event.what === "joined" && event.participant.id !== before.you) say(`${event.participant.name} ${words().joined}`);
  if (event.what === "waiting" && !before.participants.has(event.participant.id)) say(`${event.participant.name} ${words().waits}`);
  if (event.what === "left") {
    const gone = before.participants.get(event.id);
    if (gone) say(`${gone.name} ${words().left}`);
    text?.left(event.id);
  }
}

/** Out of the meeting, whatever the reason. */
function disconnect(): void {
  connection?.close();
  connection = undefined;
  meeting = undefined;
  since = undefined;
  view = undefined;
  lines = new Lines();
  banner.replaceChildren();
}

function refused(refusal: Refusal): void {
  disconnect();
  needsPin ||= refusal.code === "pin" || refusal.code === "wrongPin";
  problem = refusal.code === "pin" && !wish.pin ? "" : refusal.message[language];
  if (refusal.code === "wrongPin") wish = { ...wish, pin: "" };
  render();
}

function finish(): void {
  disconnect();
  sound.close();
  status.replaceChildren();
  render();
}

function act(action: Action): void {
  if (action.do === "muteSelf") sound.mute(action.on);
  connection?.say({ type: "act", action });
}

function leave(): void {
  connection?.say({ type: "leave" });
  over = "left";
  finish();
}

/** Long enough to be read, and then out of the way. */
const READING_TIME = 6_000;
let silence: number | undefined;

function say(text: string): void {
  if (!text) return;
  status.replaceChildren(el("p", { class: "kern-body" }, text));
  clearTimeout(silence);
  silence = window.setTimeout(() => status.replaceChildren(), READING_TIME);
}

function render(): void {
  document.documentElement.lang = language;
  if (over) return renderEnd(over);
  if (!room) return stage.replaceChildren(el("main", {}, roomForm(words())));
  if (!meeting) return renderForm();
  if (meeting.waiting) return renderWaiting();
  const me = meeting.participants.get(meeting.you);
  if (me) sound.mute(me.muted);
  document.title = `${meeting.title || room} – Einwahl`;
  if (!view) {
    text = textPanel(words(), lines, (typed) => connection?.say({ type: "type", text: typed }) ?? false);
    view = meetingView(words(), text, act, leave);
    stage.replaceChildren(view.element);
    view.show(meeting);
    view.element.querySelector("h1")?.focus();
  } else view.show(meeting);
}

function renderForm(): void {
  form?.stop();
  form = joinForm(words(), sound, wish, needsPin, problem, join);
  stage.replaceChildren(el("main", {}, form.element));
  if (needsPin || problem) form.focus();
}

function renderWaiting(): void {
  view = undefined;
  const text = notOpen ? words().notOpenYet : words().inLobby;
  const now = new Date();
  stage.replaceChildren(waitingView(words(), text, times(plan, since ?? now, now, words(), language), leave));
}

function renderEnd(why: keyof (typeof ENDS)["de"]): void {
  stage.replaceChildren(el("main", { class: "stack narrow" }, el("h1", { class: "kern-heading-large" }, words().overTitle),
    el("p", { class: "kern-body", role: "status" }, ENDS[language][why]),
    button(words().again, () => ((over = undefined), render()), "primary")));
}

function renderFrame(): void {
  const choices = (["de", "en"] as const).map((one) => {
    const name = one === "de" ? "Deutsch" : "English";
    return el("button", { type: "button", class: "language", lang: one, "aria-pressed": String(one === language), click: () => speak(one) }, name);
  });
  const header = el("header", { class: "frame" }, el("span", { class: "brand" }, "Einwahl"), el("div", { role: "group", "aria-label": words().language }, ...choices));
  page.replaceChildren(header, banner, stage, status, players);
}

function speak(one: Language): void {
  language = one;
  localStorage.setItem("language", one);
  view = undefined;
  renderFrame();
  render();
  page.querySelector<HTMLElement>(`.language[lang=${one}]`)?.focus();
}

function isTyping(): boolean {
  return document.activeElement instanceof HTMLInputElement || document.activeElement instanceof HTMLSelectElement;
}

document.addEventListener("keydown", (event) => {
  const me = meeting?.participants.get(meeting.you);
  if (!me || meeting?.waiting || event.ctrlKey || event.metaKey || event.altKey || isTyping() || document.querySelector("dialog[open]")) return;
  if (event.key.toLowerCase() === "m") act({ do: "muteSelf", on: !me.muted });
  if (event.key.toLowerCase() === "h") act({ do: "hand", on: !me.hand });
});

// A page that is closed has left; one whose network is gone has not.
addEventListener("pagehide", (event) => {
  if (!event.persisted) connection?.say({ type: "leave" });
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = (): void => document.documentElement.setAttribute("data-kern-theme", dark.matches ? "dark" : "light");
dark.addEventListener("change", paint);
paint();
renderFrame();
render();
