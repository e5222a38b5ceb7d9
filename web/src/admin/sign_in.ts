// Signing in: a name and a password, then the second factor; the first time, an app is made known and a password chosen.

import type { Language } from "../protocol";
import { alertBox, button, el, field } from "../view/dom";
import type { Api } from "./api";
import type { Enrolment, Session, Ways } from "./session";
import { problemBox } from "./view";
import { STOPPED, WORDS, type Words, isWhy } from "./words";

export interface SignIn {
  language: Language;
  api: Api;
  /** Why one has to sign in again, if that is so. */
  notice: string;
  /** How one may sign in. */
  ways: Ways;
  /** Why the institution's own sign-in has led to nothing. */
  stopped: string;
  /** The step at which somebody is; without one, at the first. */
  session: Session | undefined;
  /** The next step, or the last. */
  then(session: Session): void;
}

export function signInView(at: SignIn): HTMLElement {
  const words = WORDS[at.language];
  const problem = el("div", {});
  const step = at.session?.next ?? "nothing";
  const head = (title: string): HTMLElement => el("h1", { class: "kern-heading-large", tabindex: "-1" }, title);
  const ask = (path: string, body: unknown): void => {
    problem.replaceChildren();
    at.api.post<Session>(path, body).then(at.then, (why) => problem.replaceChildren(problemBox(why)));
  };
  const notice = at.notice ? [alertBox("warning", at.notice)] : [];
  if (step === "code") return codeForm(words, head(words.codeTitle), problem, (body) => ask("/session/totp", body));
  if (step === "enrol") return enrolForm(at, words, head(words.enrolTitle), problem, (body) => ask("/session/totp", body));
  if (step === "newPassword") {
    const password = el("input", { type: "password", autocomplete: "new-password" });
    return form([head(words.newPasswordTitle), problem], [input("new-password", words.newPassword, words.newPasswordHint, password, words)], words.next,
      () => ask("/session/password", { new: password.value }));
  }
  const stopped = at.stopped ? [stoppedBox(at)] : [];
  const name = el("input", { type: "text", autocomplete: "username", autocapitalize: "none" });
  const password = el("input", { type: "password", autocomplete: "current-password" });
  return form([head(words.signInTitle), ...notice, ...stopped, ...elsewhere(at, words), problem], [input("name", words.name, words.nameHint, name, words), input("password", words.password, words.passwordHint, password, words)],
    words.signIn, () => ask("/session", { name: name.value.trim(), password: password.value }));
}

/** The way by the institution's own sign-in: a link, since it leads to another site. */
function elsewhere(at: SignIn, words: Words): HTMLElement[] {
  const { oidc } = at.ways;
  if (!oidc) return [];
  const to = encodeURIComponent(location.pathname);
  const link = el("a", { class: "kern-btn kern-btn--primary kern-btn--block", href: `/api/v1/session/oidc?to=${to}` }, el("span", { class: "kern-label" }, words.signInBy.replace("…", oidc)));
  return [link, el("p", { class: "kern-body quiet or" }, words.orByAccount)];
}

function stoppedBox(at: SignIn): HTMLElement {
  const { title, text } = STOPPED[at.language][isWhy(at.stopped) ? at.stopped : "other"];
  const named = (words: string): string => words.replaceAll("…", at.ways.oidc ?? "");
  const box = alertBox(at.stopped === "noRole" ? "warning" : "danger", named(title), el("div", { class: "kern-alert__body" }, el("p", { class: "kern-body" }, named(text))));
  box.setAttribute("role", "alert");
  return box;
}

interface Input {
  box: HTMLElement;
  /** Whether something is there; else it complains. */
  filled(): boolean;
}

function input(id: string, label: string, hint: string, element: HTMLInputElement, words: Words): Input {
  const labelled = field(id, label, hint, element);
  return {
    box: labelled.box,
    filled: () => {
      labelled.complain(element.value.trim() ? "" : words.missing);
      return element.value.trim() !== "";
    },
  };
}

function form(head: HTMLElement[], inputs: Input[], send: string, submit: () => void, more: HTMLElement[] = []): HTMLElement {
  const press = (event: Event): void => {
    event.preventDefault();
    const filled = inputs.map((one) => one.filled());
    if (filled.every(Boolean)) submit();
  };
  return el("form", { class: "stack narrow", submit: press, novalidate: true }, ...head, ...inputs.map((one) => one.box),
    button(send, () => {}, "primary kern-btn--block", { type: "submit" }), ...more);
}

function codeForm(words: Words, head: HTMLElement, problem: HTMLElement, ask: (body: unknown) => void): HTMLElement {
  const place = el("div", {});
  const show = (recovery: boolean): void => {
    const code = el("input", recovery ? { type: "text", autocomplete: "off" } : { type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "7" });
    const one = recovery ? input("recovery", words.recovery, words.recoveryHint, code, words) : input("code", words.code, words.codeHint, code, words);
    const other = button(recovery ? words.useApp : words.useRecovery, () => show(!recovery), "tertiary");
    const send = (): void => ask(recovery ? { recoveryCode: code.value.trim() } : { code: code.value.replace(/\s/g, "") });
    place.replaceChildren(form([head, problem], [one], words.next, send, [other]));
    code.focus();
  };
  show(false);
  return place;
}

function enrolForm(at: SignIn, words: Words, head: HTMLElement, problem: HTMLElement, ask: (body: unknown) => void): HTMLElement {
  const code = el("input", { type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "7" });
  const shown = el("div", { class: "enrolment" });
  at.api.post<Enrolment>("/session/enrolment").then(
    (enrolment) => {
      const picture = el("img", { class: "qr", alt: words.enrolPicture, src: `data:image/svg+xml,${encodeURIComponent(enrolment.qr)}` });
      const key = el("code", { class: "key" }, enrolment.secret.replace(/(.{4})/g, "$1 ").trim());
      shown.replaceChildren(picture, el("p", { class: "kern-body" }, `${words.enrolKey}: `, key));
    },
    (why) => problem.replaceChildren(problemBox(why)),
  );
  return form([head, problem, el("p", { class: "kern-body" }, words.enrolText), shown], [input("code", words.code, words.codeHint, code, words)], words.next,
    () => ask({ code: code.value.replace(/\s/g, "") }));
}

/** Shown once, when an app has been made known. */
export function recoveryView(codes: string[], language: Language, done: () => void): HTMLElement {
  const words = WORDS[language];
  return el("div", { class: "stack narrow" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.codesTitle), el("p", { class: "kern-body" }, words.codesText),
    el("ul", { class: "codes" }, ...codes.map((code) => el("li", {}, el("code", {}, code)))), button(words.codesDone, done, "primary"));
}
