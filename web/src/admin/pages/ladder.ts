// The messages of a call as a diagram: who said what to whom, from top to bottom. The same stands beside it as a table for those who
// do not see it.

import { el } from "../../view/dom";
import { table } from "../view";
import { type PageWords } from "./words";

export interface Message {
  atMs: number;
  side: "caller" | "called";
  sent: boolean;
  what: string;
  method: string;
}

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const STEP = 34;
const TOP = 48;
const COLUMNS = { caller: 90, gateway: 320, called: 550 };

function shape(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

/** `180` belongs to a method, `INVITE` is one. */
const named = (message: Message): string => (/^\d/.test(message.what) ? `${message.what} (${message.method})` : message.what);

export function ladder(messages: Message[], words: PageWords): HTMLElement {
  const sides = messages.some((message) => message.side === "called") ? (["caller", "gateway", "called"] as const) : (["caller", "gateway"] as const);
  const names = { caller: words.callerSide, gateway: words.gateway, called: words.calledSide };
  const height = TOP + messages.length * STEP + 16;
  const width = sides.length === 3 ? WIDTH : COLUMNS.gateway + COLUMNS.caller;
  const picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "ladder", "aria-hidden": "true", focusable: "false" });
  for (const side of sides) picture.append(shape("text", { x: COLUMNS[side], y: 24, "text-anchor": "middle", class: "ladder-name" }, names[side]), shape("line", { x1: COLUMNS[side], x2: COLUMNS[side], y1: 36, y2: height - 4, class: "ladder-life" }));
  messages.forEach((message, at) => {
    const [far, y] = [COLUMNS[message.side], TOP + at * STEP + 18];
    const [from, to] = message.sent ? [COLUMNS.gateway, far] : [far, COLUMNS.gateway];
    const tip = to > from ? -8 : 8;
    const bad = /^[4-6]/.test(message.what) ? " bad" : "";
    picture.append(shape("text", { x: (from + to) / 2, y: y - 6, "text-anchor": "middle", class: `ladder-text${bad}` }, named(message)), shape("line", { x1: from, x2: to, y1: y, y2: y, class: `ladder-arrow${bad}` }),
      shape("polygon", { points: `${to},${y} ${to + tip},${y - 4} ${to + tip},${y + 4}`, class: `ladder-tip${bad}` }), shape("text", { x: 4, y: y + 4, class: "ladder-time" }, `${message.atMs} ms`));
  });
  const way = (message: Message): string => (message.sent ? `${words.gateway} → ${names[message.side]}` : `${names[message.side]} → ${words.gateway}`);
  const rows = table(words.ladderTable, [
    { name: words.at, cell: (one: Message) => `${one.atMs} ms`, class: "figure" }, { name: words.direction, cell: way }, { name: words.message, cell: named },
  ], messages);
  return el("div", { class: "stack tight" }, el("div", { class: "ladder-box", role: "img", tabindex: "0", "aria-label": words.ladder }, picture as unknown as HTMLElement), el("details", {}, el("summary", {}, words.ladderTable), rows));
}
