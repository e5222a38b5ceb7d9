// What the gateway tells by itself (server-sent events). The browser connects anew when the line breaks; so do we when it gives up,
// and whoever listens is told to look again.

type Listener = (data: unknown) => void;

/** After so many milliseconds it is tried again; twice as many each time, up to the last. */
const FIRST_WAIT = 1_000;
const LAST_WAIT = 30_000;

export class Events {
  private source: EventSource | undefined;
  private readonly listeners = new Map<string, Set<Listener>>();
  private wait = FIRST_WAIT;
  private again: number | undefined;
  private isOpen = false;

  /** `stands` hears whether there is a line; `refused`, that the gateway answers, but gives none. */
  constructor(private readonly address: string, private readonly stands: (up: boolean) => void, private readonly refused: () => void) {}

  /** From now on there may be a line; it is made once somebody listens. */
  open(): void {
    this.isOpen = true;
    if (this.listeners.size > 0) this.connect();
  }

  close(): void {
    this.isOpen = false;
    this.hangUp();
  }

  private hangUp(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = undefined;
  }

  /** Listens until what is given back is called. `name` is the event's, or `open` for a line that stands (again). */
  on(name: string, listener: Listener): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all);
    if (all.size === 0 && name !== "open") this.source?.addEventListener(name, this.heard);
    all.add(listener);
    if (this.isOpen && !this.source) this.connect();
    return () => {
      all.delete(listener);
      if (all.size === 0) this.listeners.delete(name);
      if (this.listeners.size === 0) this.hangUp();
    };
  }

  private readonly heard = (event: Event): void => {
    const text = (event as MessageEvent<string>).data;
    for (const listener of this.listeners.get(event.type) ?? []) listener(text ? JSON.parse(text) : undefined);
  };

  private connect(): void {
    const source = new EventSource(this.address);
    this.source = source;
    for (const name of this.listeners.keys()) if (name !== "open") source.addEventListener(name, this.heard);
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      this.stands(true);
      for (const listener of this.listeners.get("open") ?? []) listener(undefined);
    };
    source.onerror = () => {
      this.stands(false);
      if (source.readyState !== EventSource.CLOSED || !this.isOpen) return;
      this.refused();
      this.again = window.setTimeout(() => this.isOpen && this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, LAST_WAIT);
    };
  }
}
