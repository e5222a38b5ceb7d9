// What every page of the console is given.

import type { Language } from "../protocol";
import type { Api } from "./api";
import type { Events } from "./events";
import type { Session } from "./session";

export interface Context {
  language: Language;
  session: Session;
  api: Api;
  events: Events;
  /** Tells something that passes, also to those who do not look. */
  say(text: string): void;
  /** Goes to another page of the console. */
  go(path: string): void;
}

/** A page: what is shown, and what is to be done when it is left. */
export interface Page {
  element: HTMLElement;
  leave?(): void;
}
