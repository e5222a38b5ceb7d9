// Asks the gateway's API. Out: what it answers, or a Problem (RFC 9457). The cookie is the browser's; what a request that changes
// something has to show beside it is kept here.

import type { Language } from "../protocol";
import { SILENT } from "./words";

export interface Fault {
  field: string;
  message: string;
}

/** What is told of a request that was not done. */
export interface Told {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: Fault[];
  [more: string]: unknown;
}

export class Problem extends Error {
  constructor(readonly told: Told) {
    super(told.title);
  }

  /** The kind, without what all have in common. */
  get kind(): string {
    return this.told.type.split(":").at(-1) ?? "";
  }
}

/** A gateway that is busy has done nothing: it is asked again, so often, each time after so many milliseconds. */
const BUSY_TRIES = 4;
const BUSY_WAIT = 700;

export class Api {
  csrf = "";
  /** In which sentences are asked for. */
  language: Language = "de";
  /** Called when a session that was there is over. */
  expired: () => void = () => {};

  /** The answer, and its ETag if it has one. */
  async tagged<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ value: T; tag: string | undefined }> {
    const response = await this.send(method, path, body, headers);
    const text = await response.text();
    return { value: (text ? JSON.parse(text) : undefined) as T, tag: response.headers.get("etag") ?? undefined };
  }

  async ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return (await this.tagged<T>(method, path, body, headers)).value;
  }

  /** What is no JSON. */
  async text(path: string): Promise<string> {
    return (await this.send("GET", path, undefined, { accept: "*/*" })).text();
  }

  get<T>(path: string): Promise<T> {
    return this.ask<T>("GET", path);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.ask<T>("POST", path, body);
  }

  private async send(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
    const all: Record<string, string> = { accept: "application/json", "accept-language": this.language, ...headers };
    if (body !== undefined) all["content-type"] = "application/json";
    if (method !== "GET" && this.csrf) all["x-csrf-token"] = this.csrf;
    const request: RequestInit = { method, headers: all, cache: "no-store", ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    for (let tries = 1; ; tries += 1) {
      const response = await reached(path, request, this.language);
      if (response.ok) return response;
      const problem = new Problem(await toldBy(response, this.language));
      if (problem.kind !== "busy" || tries === BUSY_TRIES) return this.refused(problem, path);
      await new Promise((later) => setTimeout(later, BUSY_WAIT));
    }
  }

  private refused(problem: Problem, path: string): never {
    if (problem.told.status === 401 && !path.startsWith("/session")) this.expired();
    throw problem;
  }
}

async function reached(path: string, request: RequestInit, language: Language): Promise<Response> {
  try {
    return await fetch(`/api/v1${path}`, request);
  } catch {
    throw new Problem({ type: "urn:einwahl:problem:unreachable", title: SILENT[language].unreachable, status: 0, detail: SILENT[language].check });
  }
}

async function toldBy(response: Response, language: Language): Promise<Told> {
  try {
    return (await response.json()) as Told;
  } catch {
    return { type: "urn:einwahl:problem:unreadable-answer", title: SILENT[language].unreadable, status: response.status, detail: SILENT[language].check };
  }
}
