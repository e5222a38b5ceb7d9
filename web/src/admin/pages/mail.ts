// Invitations by mail: to whom, and what became of each letter.

import { button, el } from "../../view/dom";
import type { Context } from "../context";
import { may } from "../session";
import { badge, dialog, labelled, problemBox, table } from "../view";
import { WORDS } from "../words";
import type { Meeting } from "./invitation";
import type { PageWords } from "./words";

interface Person {
  address: string;
  state: "taken" | "waiting" | "refused";
  why?: keyof PageWords["mailReasons"];
  told?: string;
}

/** Whether who is signed in may invite to it: whoever gets the letter learns the PIN. */
export function mayMail({ session }: Context, meeting: Meeting): boolean {
  return may(session, "write") && (!meeting.asksForPin || may(session, "pins"));
}

/** Addresses as they are pasted: on lines, or with commas or semicolons between them. */
export function addresses(text: string): string[] {
  return parts(text, /[\n;,]/);
}

function parts(text: string, between: RegExp | string): string[] {
  return text.split(between).map((part) => part.trim()).filter(Boolean);
}

/** Asks to whom, sends, and shows what became of it. */
export function sendByMail(context: Context, meeting: Meeting, numbers: string, words: PageWords): void {
  const common = WORDS[context.language];
  const place = el("div", { "aria-live": "polite" });
  const to = el("textarea", { rows: "4", spellcheck: "false", autocomplete: "off", inputmode: "email" });
  const language = el("select", {}, el("option", { value: "de" }, words.german), el("option", { value: "en" }, words.english));
  language.value = context.language;
  const send = async (): Promise<void> => {
    place.replaceChildren(el("p", { class: "kern-body quiet", role: "status" }, words.sending));
    go.disabled = true;
    const dial = parts(numbers, "\n");
    const body = { to: addresses(to.value), language: language.value, ...(dial.length ? { numbers: dial } : {}) };
    try {
      const { people } = await context.api.post<{ people: Person[] }>(`/meetings/${meeting.room}/invitations`, body);
      place.replaceChildren(outcome(people, words));
      // Who has a letter, or will be tried again, is not written to twice.
      to.value = people.filter((one) => one.state === "refused").map((one) => one.address).join("\n");
    } catch (problem) {
      place.replaceChildren(problemBox(problem));
    }
    go.disabled = false;
  };
  const go = button(words.send, () => void send(), "primary");
  dialog(`${words.byMail}: ${meeting.title || meeting.room}`, [labelled("mail-to", words.mailTo, to, words.mailToHint), labelled("mail-language", words.mailLanguage, language), place], (close) => [button(common.close, close), go], true);
  to.focus();
}

function outcome(people: Person[], words: PageWords): HTMLElement {
  const state = ({ state }: Person): HTMLElement => ({ taken: badge("success", words.mailTaken), waiting: badge("warning", words.mailWaiting), refused: badge("danger", words.mailRefused) })[state];
  const why = ({ why, told }: Person): string => (why ? `${words.mailReasons[why]}${why === "declined" && told ? ` ${told.replace(/^[^0-9]*/, "")}` : ""}` : "");
  return table(words.mailState, [
    { name: words.mailAddress, cell: (one: Person) => one.address },
    { name: words.mailState, cell: state },
    { name: words.mailWhy, cell: why },
  ], people);
}
