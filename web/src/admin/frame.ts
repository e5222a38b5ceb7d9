// What stands above every page: the name, the areas that one may see, language, light or dark, and the way out.

import type { Language } from "../protocol";
import { button, el, relabel } from "../view/dom";
import type { Session } from "./session";
import { type AREAS, ROLES, WORDS } from "./words";

export interface Frame {
  language: Language;
  session: Session | undefined;
  areas: typeof AREAS;
  chosen: string;
  speak(language: Language): void;
  go(path: string): void;
  signOut(): void;
  /** Says which theme is shown; shows another, if one is named. */
  paint(choice?: "light" | "dark"): "light" | "dark";
}

export function frame(at: Frame): HTMLElement {
  const words = WORDS[at.language];
  const languages = (["de", "en"] as const).map((one) => el("button", { type: "button", class: "language", lang: one, "aria-pressed": String(one === at.language), click: () => at.speak(one) }, one === "de" ? "Deutsch" : "English"));
  const other = (): "light" | "dark" => (at.paint() === "dark" ? "light" : "dark");
  const theme: HTMLButtonElement = button(words[other()], () => (at.paint(other()), relabel(theme, words[other()])), "tertiary kern-btn--x-small");
  const links = at.areas.map((area) => {
    const press = (event: Event): void => {
      if ((event as MouseEvent).ctrlKey || (event as MouseEvent).metaKey) return;
      event.preventDefault();
      at.go(area.path);
    };
    const current = area.path === at.chosen ? { "aria-current": "page" } : {};
    return el("li", {}, el("a", { href: `/admin/${area.path}`, class: "area", click: press, ...current }, area.name[at.language]));
  });
  const { session } = at;
  const who = session?.next === "nothing"
    ? [el("span", { class: "who-is-in" }, el("span", { class: "kern-sr-only" }, `${words.signedInAs} `), session.name, session.role ? ` · ${ROLES[at.language][session.role]}` : ""),
      button(words.signOut, () => at.signOut(), "secondary kern-btn--x-small")]
    : [];
  const areas = links.length ? [el("nav", { class: "areas", "aria-label": words.main }, el("ul", {}, ...links))] : [];
  const skip = el("a", { class: "skip", href: "#content" }, words.skip);
  return el("header", { class: "frame admin" }, skip, el("div", { class: "top" }, el("span", { class: "brand" }, "Einwahl", el("span", { class: "quiet part" }, ` ${words.title}`)),
    el("div", { class: "tools" }, ...who, theme, el("div", { role: "group", "aria-label": words.language }, ...languages))), ...areas);
}
