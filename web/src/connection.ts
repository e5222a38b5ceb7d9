// The WebSocket to the gateway. It comes back by itself; who uses it says how to begin anew.

import type { Answer, Request } from "./protocol";

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 5_000;

export interface Listener {
  /** The first message of each connection: join, or resume. */
  greet(): Promise<Request>;
  hear(answer: Answer): void;
  /** Whether the connection is there. */
  stands(up: boolean): void;
}

export class Connection {
  private socket: WebSocket | undefined;
  private pause = FIRST_PAUSE;
  private closed = false;
  private timer: number | undefined;

  constructor(private readonly url: string, private readonly listener: Listener) {
    this.open();
    addEventListener("online", this.hurry);
  }

  say(request: Request): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(request));
    return true;
  }

  /** Ends it for good. */
  close(): void {
    this.closed = true;
    removeEventListener("online", this.hurry);
    clearTimeout(this.timer);
    this.socket?.close();
  }

  private readonly hurry = (): void => {
    clearTimeout(this.timer);
    if (!this.closed && this.socket?.readyState === WebSocket.CLOSED) this.open();
  };

  private open(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = async () => {
      const first = await this.listener.greet();
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(first));
    };
    socket.onmessage = (message) => {
      const answer = JSON.parse(message.data as string) as Answer;
      if (answer.type === "welcome") {
        this.pause = FIRST_PAUSE;
        this.listener.stands(true);
      }
      this.listener.hear(answer);
    };
    socket.onclose = () => {
      if (this.closed || this.socket !== socket) return;
      this.listener.stands(false);
      this.timer = window.setTimeout(() => this.open(), this.pause * (0.8 + 0.4 * Math.random()));
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    };
  }
}
