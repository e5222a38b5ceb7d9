// The console: who is signed in, which page is shown, and what passes between the pages and the gateway.

import "@kern-ux/native/dist/kern.min.css";
import "../style.css";
import "./style.css";

import type { Language } from "../protocol";
import { alertBox, el } from "../view/dom";
import { initialLanguage } from "../words";
import { Api, Problem } from "./api";
import type { Context, Page } from "./context";
import { Events } from "./events";
import { frame } from "./frame";
import { PAGES } from "./pages";
import { type Session, type Ways, may } from "./session";
import { recoveryView, signInView } from "./sign_in";
import { empty, problemBox } from "./view";
import { AREAS, WORDS } from "./words";

const place = document.getElementById("page") as HTMLElement;
const stage = el("main", { class: "stage wide", id: "content", tabindex: "-1" });
const banner = el("div", { class: "banner wide", role: "status" });
const status = el("div", { class: "status", role: "status", "aria-live": "polite" });
const api = new Api();
const events = new Events("/api/v1/events", (up) => banner.replaceChildren(...(up || !session ? [] : [alertBox("warning", words().unsteady)])), () => void api.get("/session").catch(goneIf401));

let language: Language = initialLanguage();
let session: Session | undefined;
let page: Page | undefined;
let ways: Ways = {};
let stopped = "";

const words = () => WORDS[language];

/** Over the page, while its session is over. */
let again: HTMLDialogElement | undefined;

/**
 * A session that is over is not the end of what somebody has written: they sign in again above the page, which stays as it is, with what
 * was typed into it and into its dialogs.
 */
api.expired = () => {
  if (!session || again) return;
  events.close();
  banner.replaceChildren();
  // Escape closes nothing; a browser that does not know `closedby` yet closes it at the second time, and it opens again as it was.
  again = el("dialog", {
    class: "kern-dialog ask", "aria-label": words().signInTitle, closedby: "none", cancel: (event: Event) => event.preventDefault(), close: () => again?.showModal(),
  });
  document.body.append(again);
  again.showModal();
  signInAgain(session);
};

function signInAgain(was: Session, at?: Session): void {
  const then = (next: Session): void => {
    api.csrf = next.csrf;
    if (next.next === "nothing") goOn(was, next);
    else signInAgain(was, next);
  };
  const view = signInView({ language, api, notice: words().expired, ways, stopped: "", session: at, then });
  again?.replaceChildren(el("section", { class: "kern-dialog__body stack" }, view));
  again?.querySelector<HTMLElement>("h1")?.focus();
}

function goOn(was: Session, next: Session): void {
  const over = again;
  again = undefined;
  over?.remove();
  const codes = next.recoveryCodes ?? [];
  if (next.name !== was.name || codes.length) {
    for (const open of document.querySelectorAll("dialog")) open.close();
    leave();
    return signedIn(next);
  }
  session = next;
  // Who was in the middle of a dialog goes on there; else what is seen is looked at anew.
  if (document.querySelector("dialog[open]")) events.open();
  else render();
}

function goneIf401(problem: unknown): void {
  if (!(problem instanceof Problem)) throw problem;
  if (problem.told.status === 401) api.expired();
}

function leave(): void {
  page?.leave?.();
  page = undefined;
  events.close();
  banner.replaceChildren();
}

function signedIn(next: Session): void {
  session = next;
  api.csrf = next.csrf;
  stopped = "";
  const codes = next.recoveryCodes ?? [];
  if (codes.length) return void show(recoveryView(codes, language, () => ((session = { ...next, recoveryCodes: [] }), render())));
  render();
}

function signOut(): void {
  leave();
  const out = api.ask<{ elsewhere: string } | undefined>("DELETE", "/session");
  out.then((told) => told && location.assign(told.elsewhere), (problem: unknown) => {
    if (!(problem instanceof Problem)) throw problem;
  });
  session = undefined;
  api.csrf = "";
  history.replaceState(undefined, "", "/admin");
  render();
}

function go(path: string): void {
  status.replaceChildren();
  history.pushState(undefined, "", `/admin/${path}`);
  render();
}

function show(...content: Node[]): void {
  stage.replaceChildren(...content);
  stage.querySelector<HTMLElement>("h1")?.focus();
}

function render(): void {
  document.documentElement.lang = api.language = language;
  const areas = session?.next === "nothing" ? AREAS.filter((area) => area.path in PAGES && session && may(session, area.needs)) : [];
  const [, , path = "", ...rest] = location.pathname.split("/");
  const area = areas.find((one) => one.path === path) ?? (path === "" ? areas[0] : undefined);
  document.title = `${area?.name[language] ?? words().title} – Einwahl`;
  place.replaceChildren(frame({ language, session, areas, chosen: area?.path ?? "", speak, go, signOut, paint }), banner, stage, status);
  page?.leave?.();
  page = undefined;
  if (!session || session.next !== "nothing") return show(signInView({ language, api, notice: "", ways, stopped, session, then: signedIn }));
  if (!area) return show(areas.length ? empty(words().notFound, "") : empty(words().title, words().nothingHere));
  events.open();
  const context: Context = { language, session, api, events, say, go };
  page = PAGES[area.path]?.(context, rest) ?? { element: empty(words().notFound, "") };
  show(page.element);
}

/** Long enough to be read, and then out of the way. */
const READING_TIME = 6_000;
let silence: number | undefined;

function say(text: string): void {
  status.replaceChildren(el("p", { class: "kern-body" }, text));
  clearTimeout(silence);
  silence = window.setTimeout(() => status.replaceChildren(), READING_TIME);
}

function speak(one: Language): void {
  language = one;
  localStorage.setItem("language", one);
  render();
  place.querySelector<HTMLElement>(`.language[lang=${one}]`)?.focus();
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** As the reader chose, or as their system says. */
function paint(choice?: "light" | "dark"): "light" | "dark" {
  if (choice) localStorage.setItem("theme", choice);
  const kept = localStorage.getItem("theme");
  const theme = kept === "light" || kept === "dark" ? kept : dark.matches ? "dark" : "light";
  document.documentElement.setAttribute("data-kern-theme", theme);
  return theme;
}

async function begin(): Promise<void> {
  paint();
  dark.addEventListener("change", () => paint());
  addEventListener("popstate", render);
  stopped = new URLSearchParams(location.search).get("oidc") ?? "";
  if (stopped) history.replaceState(undefined, "", location.pathname);
  try {
    ways = await api.get<Ways>("/session/ways");
    signedIn(await api.get<Session>("/session"));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    render();
    if (problem.told.status !== 401) stage.prepend(problemBox(problem));
  }
}

void begin();
