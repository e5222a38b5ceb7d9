// The federation: other members with their links, what is shared with them, and what has to be seen to.

import { alertBox, el } from "../../view/dom";
import type { Context, Page } from "../context";
import { fill } from "../plan/words";
import { badge, empty, loading, moment, table } from "../view";
import { PAGE_WORDS, type PageWords } from "./words";

interface Room {
  room: string;
  title: string;
}

interface Member {
  domain: string;
  name: string;
  country: string;
  state: string;
  why: string | null;
  since: string;
  roundTripMs: number | null;
  sound: boolean;
  sip: boolean;
  sipCalls: number;
  contact: string;
  keyEnds: string | null;
  ours: Room[];
  theirs: Room[];
  lastError: { at: string; why: string } | null;
}

interface Warning {
  kind: string;
  member: string | null;
  at: string | null;
  why: string | null;
}

interface Federation {
  domain: string;
  pin: string;
  registry: { federation: string; serial: number; expires: string; state: string } | null;
  members: Member[];
  warnings: Warning[];
}

export function federationPage(context: Context): Page {
  const { api, events, language } = context;
  const words = PAGE_WORDS[language];
  const place = el("div", {});
  let shown = "";
  const parts = (now: Federation | null): HTMLElement[] => {
    shown = JSON.stringify(now);
    return [now ? view(context, now, words) : empty(words.noFederation, words.noFederationText)];
  };
  const draw = (now: Federation | null): void => {
    if (JSON.stringify(now) !== shown) place.replaceChildren(...parts(now));
  };
  const look = async (): Promise<Federation | null> => (await api.get<{ federation: Federation | null }>("/federation")).federation;
  const stops = [
    events.on("federation", (now) => draw(now as Federation)),
    // A line that stands again may have missed something.
    events.on("live", () => void look().then(draw, () => undefined)),
  ];
  void loading(place, language, async () => parts(await look()));
  return { element: el("div", { class: "stack" }, el("h1", { class: "kern-heading-large", tabindex: "-1" }, words.federation), place), leave: () => stops.forEach((stop) => stop()) };
}

function view(context: Context, now: Federation, words: PageWords): HTMLElement {
  const { language } = context;
  const warnings = el("div", { class: "stack tight", "aria-live": "polite" }, ...now.warnings.map((one) => warningBox(context, one, words)));
  const until = now.registry && fill(words.registryHolds, { federation: now.registry.federation, serial: now.registry.serial, at: moment(now.registry.expires, language) });
  const about = el("p", { class: "kern-body" }, fill(words.weAre, { domain: now.domain }), " ", ...(until && now.registry?.state !== "expired" ? [until] : []));
  const pin = el("p", { class: "kern-body kern-body--small quiet" }, `${words.ourPin}: `, el("code", { class: "key" }, now.pin));
  const members = now.members.length ? rows(context, now.members, words) : el("p", { class: "kern-body quiet" }, words.noMembers);
  return el("div", { class: "stack" }, warnings, el("div", {}, about, pin), el("h2", { class: "kern-heading-medium" }, words.members), members);
}

/** What has to be seen to, in words: what it is, and what to do. */
function warningBox({ language }: Context, one: Warning, words: PageWords): HTMLElement {
  const told: Record<string, string> = {
    noRegistry: words.warnNoRegistry, registryEndsSoon: words.warnEndsSoon, registryExpired: words.warnExpired, registryRefused: words.warnRefused,
    notNamed: words.warnNotNamed, keyNotNamed: words.warnKeyNotNamed, keyEnds: words.warnKeyEnds, leftOut: words.warnLeftOut,
  };
  const bad = ["noRegistry", "registryExpired", "notNamed", "keyNotNamed"].includes(one.kind);
  const text = fill(told[one.kind] ?? one.kind, { member: one.member ?? "", at: moment(one.at ?? undefined, language) });
  const why = one.why ? [el("div", { class: "kern-alert__body" }, el("p", { class: "kern-body" }, one.why))] : [];
  return alertBox(bad ? "danger" : "warning", text, ...why);
}

function rows({ language }: Context, members: Member[], words: PageWords): HTMLElement {
  const small = (text: string): HTMLElement => el("p", { class: "kern-body kern-body--small" }, text);
  const told = (one: Member): HTMLElement => {
    if (one.state === "none") return el("span", { class: "quiet" }, words.linkNone);
    return badge(one.state === "up" ? "success" : "danger", one.state === "up" ? words.linkUp : words.linkDown);
  };
  const bySip = (one: Member): HTMLElement[] => (one.sip ? [small(fill(words.bySip, { count: one.sipCalls }))] : []);
  const state = (one: Member): HTMLElement => el("div", {}, told(one), ...(one.why ? [el("div", { class: "reason" }, one.why)] : []), ...bySip(one));
  const rooms = (all: Room[]): HTMLElement => (all.length ? el("ul", { class: "waiting" }, ...all.map((one) => el("li", {}, one.title ? `${one.title} (${one.room})` : one.room))) : el("span", { class: "quiet" }, words.none));
  const error = (one: Member): HTMLElement => (one.lastError ? el("div", { class: "reason" }, `${moment(one.lastError.at, language)}: ${one.lastError.why}`) : el("span", { class: "quiet" }, words.none));
  return table(words.members, [
    { name: words.member, cell: (one: Member) => el("div", {}, el("strong", {}, one.name), small(`${one.domain} (${one.country})`), small(one.contact)) },
    { name: words.link, cell: state },
    { name: words.since, cell: (one) => moment(one.since, language) },
    { name: words.roundTrip, cell: (one) => (one.roundTripMs === null ? "–" : `${one.roundTripMs} ms`), class: "figure" },
    { name: words.soundPasses, cell: (one) => (one.sound ? words.yes : words.no) },
    { name: words.roomsHere, cell: (one) => rooms(one.ours) },
    { name: words.roomsThere, cell: (one) => rooms(one.theirs) },
    { name: words.keyUntil, cell: (one) => moment(one.keyEnds ?? undefined, language) || words.noEnd },
    { name: words.lastError, cell: error },
  ], members);
}
