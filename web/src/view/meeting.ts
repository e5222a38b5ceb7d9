// The meeting: who is here, what one can do, and what a moderator can do. Rows stay where they are and change in place, so
// that a button that has the focus keeps it.

import type { Action, Participant } from "../protocol";
import { type Meeting, inside, waiting } from "../state";
import type { Words } from "../words";
import { arrange, button, el, relabel } from "./dom";
import type { TextPanel } from "./text";

export interface MeetingView {
  element: HTMLElement;
  show(meeting: Meeting): void;
}

export function meetingView(words: Words, text: TextPanel, act: (action: Action) => void, leave: () => void): MeetingView {
  let meeting: Meeting | undefined;
  const me = (): Participant | undefined => meeting?.participants.get(meeting.you);
  const mute = button(words.mute, () => act({ do: "muteSelf", on: !me()?.muted }), "primary");
  const hand = button(words.raise, () => act({ do: "hand", on: !me()?.hand }));
  const title = el("h1", { class: "kern-heading-large", tabindex: "-1" });
  const locked = el("span", { class: "kern-badge kern-badge--warning", hidden: true }, el("span", { class: "kern-label" }, words.lockedNow));
  const controls = el("div", { class: "controls" }, mute, hand, button(words.leave, leave, "secondary leave"));
  const people = list(words.participants);
  const lobby = list(words.lobby);
  const admitAll = button(words.admitAll, () => act({ do: "admitAll" }));
  lobby.head.append(admitAll);
  const lock = button(words.lock, () => act({ do: "lock", on: !meeting?.locked }));
  const lead = el("section", { "aria-label": words.manage, class: "controls lead", hidden: true },
    button(words.muteAll, () => act({ do: "muteAll", on: true })), button(words.unmuteAll, () => act({ do: "muteAll", on: false })), lock,
    button(words.end, () => confirm(words, words.endTitle, words.endText, words.yesEnd, () => act({ do: "end" })), "secondary leave"));
  const rows = new Map<number, Row>();
  const element = el("main", { class: "stack" }, el("div", { class: "title" }, title, locked), controls, lobby.section, people.section, text.element, lead,
    el("p", { class: "kern-body kern-body--small kern-body--muted keys" }, words.keys));

  const show = (next: Meeting): void => {
    meeting = next;
    if (title.textContent !== next.title) title.textContent = next.title;
    locked.hidden = !next.locked;
    const own = me();
    text.show(own);
    relabel(mute, own?.muted ? words.unmute : words.mute, own?.muted ?? false);
    relabel(hand, own?.hand ? words.lower : words.raise, own?.hand ?? false);
    relabel(lock, next.locked ? words.unlock : words.lock);
    const leads = next.role === "moderator";
    lead.hidden = !leads;
    const waits = waiting(next);
    lobby.section.hidden = waits.length === 0;
    for (const id of [...rows.keys()]) if (!next.participants.has(id)) rows.delete(id);
    const rowOf = (one: Participant): HTMLElement => {
      const row = rows.get(one.id) ?? new Row(words, act);
      rows.set(one.id, row);
      row.show(one, one.id === next.you, next.speaking.has(one.id), leads);
      return row.element;
    };
    arrange(lobby.items, waits.map(rowOf));
    const here = inside(next);
    arrange(people.items, here.map(rowOf));
    people.count.textContent = String(here.length);
    lobby.count.textContent = String(waits.length);
  };
  return { element, show };
}

function list(label: string): { section: HTMLElement; head: HTMLElement; items: HTMLElement; count: HTMLElement } {
  const count = el("span", { class: "count" });
  const head = el("div", { class: "list-head" }, el("h2", { class: "kern-heading-medium" }, label, " ", count));
  const items = el("ul", { class: "people" });
  return { section: el("section", {}, head, items), head, items, count };
}

class Row {
  readonly element = el("li", { class: "person" });
  private readonly name = el("span", { class: "name" });
  private readonly marks = el("span", { class: "marks" });
  private readonly buttons = el("span", { class: "buttons" });
  private one: Participant | undefined;
  private shown = "";

  constructor(private readonly words: Words, private readonly act: (action: Action) => void) {
    this.element.append(el("span", { class: "dot", "aria-hidden": "true" }), el("span", { class: "who" }, this.name, this.marks), this.buttons);
  }

  show(one: Participant, isYou: boolean, speaks: boolean, leads: boolean): void {
    this.one = one;
    const { words } = this;
    this.name.textContent = isYou ? `${one.name} (${words.you})` : one.name;
    this.element.classList.toggle("speaking", speaks);
    const marks = [
      one.kind === "phone" ? words.phone : "", one.role === "moderator" ? words.moderator : "", one.role === "listener" ? words.listener : "",
      one.hand ? words.hand : "", one.muted ? words.muted : "", one.away ? words.away : "", speaks ? words.speaking : "",
    ].filter((mark) => mark !== "");
    this.marks.replaceChildren(...marks.map((mark) => el("span", { class: `mark${mark === words.hand ? " raised" : ""}` }, mark)));
    const key = `${leads && !isYou}|${one.lobby}|${one.muted}|${one.mutedByModerator}|${one.hand}|${one.role}`;
    if (key !== this.shown) {
      this.shown = key;
      this.rebuild(leads && !isYou);
    }
  }

  /** The buttons of a moderator. A button that had the focus gives it to the one in its place. */
  private rebuild(leads: boolean): void {
    const had = [...this.buttons.children].indexOf(document.activeElement as Element);
    this.buttons.replaceChildren(...(leads ? this.forModerators() : []));
    if (had >= 0) (this.buttons.children[Math.min(had, this.buttons.children.length - 1)] as HTMLElement | undefined)?.focus();
  }

  private forModerators(): HTMLElement[] {
    const { words, one } = this;
    if (!one) return [];
    const participant = one.id;
    const press = (label: string, action: Action): HTMLElement =>
      button(label, () => this.act(action), "secondary kern-btn--x-small", { "aria-label": `${label}: ${one.name}` });
    if (one.lobby) return [press(words.admit, { do: "admit", participant }), press(words.refuse, { do: "remove", participant })];
    const speak = one.mutedByModerator
      ? press(one.hand ? words.giveFloor : words.allowOne, one.hand ? { do: "giveFloor", participant } : { do: "mute", participant, on: false })
      : press(words.muteOne, { do: "mute", participant, on: true });
    const lower = one.hand ? [press(words.lowerOne, { do: "lowerHand", participant })] : [];
    const remove = button(words.remove, () => confirm(words, words.removeTitle, one.name, words.yesRemove, () => this.act({ do: "remove", participant })),
      "secondary kern-btn--x-small", { "aria-label": `${words.remove}: ${one.name}` });
    return [speak, ...lower, remove];
  }
}

/** Asks before what cannot be undone. */
function confirm(words: Words, title: string, text: string, yes: string, then: () => void): void {
  const close = (): void => dialog.close();
  const dialog = el("dialog", { class: "kern-dialog ask", "aria-labelledby": "ask-title", close: () => dialog.remove() },
    el("header", { class: "kern-dialog__header" }, el("h2", { class: "kern-title kern-title--large", id: "ask-title" }, title)),
    el("section", { class: "kern-dialog__body" }, el("p", { class: "kern-body" }, text)),
    el("footer", { class: "kern-dialog__footer" }, button(words.cancel, close), button(yes, () => (close(), then()), "primary")));
  document.body.append(dialog);
  dialog.showModal();
}
