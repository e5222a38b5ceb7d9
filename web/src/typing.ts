// Text that is typed letter by letter (T.140), without a page: what a change of a field says, how fast it may be said, and how the lines of
// a meeting grow. Pure, but for the clock of `Pace`.

export const BACKSPACE = "\b";
export const NEW_LINE = "\u2028";
const LOST = "\ufffd";

/** What has to be typed so that `before` becomes `after`: what is different from somewhere on is taken back, and typed anew. */
export function difference(before: string, after: string): string {
  const [old, next] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < next.length && old[same] === next[same]) same++;
  return BACKSPACE.repeat(old.length - same) + next.slice(same).join("");
}

/** How many letters may be sent now: what is pasted goes at the pace of the gateway, which leaves out what is faster. */
export class Pace {
  private left = 250;
  private at: number;

  constructor(private readonly now: () => number = () => performance.now()) {
    this.at = now();
  }

  /** Takes at most so many. */
  take(wanted: number): number {
    const now = this.now();
    this.left = Math.min(250, this.left + ((now - this.at) * 28) / 1000);
    this.at = now;
    const taken = Math.min(wanted, Math.floor(this.left));
    this.left -= taken;
    return taken;
  }
}

export interface Line {
  /** Lines of one meeting are told apart by it. */
  key: number;
  who: number;
  name: string;
  text: string;
  /** Paused: nothing was typed for a while; it goes on if nobody else has written since. */
  state: "open" | "paused" | "ended";
  /** When something was typed last. */
  at: number;
}

/** So many lines are shown; older ones go. */
const MOST_LINES = 200;

/** After so long without a letter a line is paused. */
const PAUSE = 6_000;

/** The lines of a meeting, in the order in which they were begun. Kept as long as the page takes part, and nowhere else. */
export class Lines {
  private lines: Line[] = [];
  private last = 0;

  get all(): readonly Line[] {
    return this.lines;
  }

  /** Somebody types. */
  type(who: number, name: string, text: string, now: number): void {
    for (const letter of text) this.letter(who, name, letter, now);
    this.lines = this.lines.slice(-MOST_LINES);
  }

  /** Time has passed; true if a line is paused by it. */
  settle(now: number): boolean {
    const paused = this.lines.filter((line) => line.state === "open" && now - line.at >= PAUSE);
    for (const line of paused) this.put({ ...line, state: "paused" });
    return paused.length > 0;
  }

  /** Somebody has left. */
  left(who: number): void {
    const line = this.lineOf(who);
    if (line) this.put({ ...line, state: "ended" });
  }

  private letter(who: number, name: string, letter: string, at: number): void {
    const line = this.lineOf(who);
    if (letter === NEW_LINE) {
      if (line) this.put({ ...line, state: "ended" });
    } else if (letter === BACKSPACE) {
      const text = [...(line?.text ?? "")].slice(0, -1).join("");
      if (line && text !== "") this.put({ ...line, text, state: "open", at });
      else this.lines = this.lines.filter((one) => one !== line);
    } else if (letter >= " ") {
      const goes = line && (line.state === "open" || (line.state === "paused" && this.lines.at(-1) === line));
      if (line && goes) this.put({ ...line, text: line.text + letter, state: "open", at });
      else this.lines.push({ key: ++this.last, who, name, text: letter, state: "open", at });
    }
  }

  private lineOf(who: number): Line | undefined {
    return this.lines.filter((line) => line.who === who).at(-1);
  }

  private put(next: Line): void {
    this.lines = this.lines.map((line) => (line.key === next.key ? next : line));
  }
}

/** As it is read: a mark where letters were lost. */
export function shown(text: string, lost: string): string {
  return text.replaceAll(LOST, lost);
}
