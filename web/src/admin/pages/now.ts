// What is under way, and how it changes. In: what is known, and what is new. Out: what is known from then on.

export interface LiveCall {
  id: number;
  direction: "in" | "out";
  trunk: string | null;
  caller: string | null;
  called: string;
  since: string;
  codec: string | null;
  encrypted: boolean;
  quality: { lossIn: number; jitterIn: number } | null;
  room: string | null;
}

/** Somebody who wants to be called back. */
export interface Callback {
  id: string;
  office: string;
  number: string;
  asked: string;
  tries: number;
  next: string;
  until: string;
  underWay: boolean;
}

export interface LiveRoom {
  room: string;
  title: string;
  open: boolean;
  locked: boolean;
  participants: { id: number; name: string; kind: string; role: string; muted: boolean; lobby: boolean; away: boolean }[];
}

export interface Live {
  calls: LiveCall[];
  rooms: LiveRoom[];
  plan: { version: number };
}

export interface LiveChange {
  calls: LiveCall[];
  callsGone: number[];
  rooms: LiveRoom[];
  roomsGone: string[];
  plan?: { version: number } | null;
}

export function merged(now: Live, change: LiveChange): Live {
  const calls = new Map(now.calls.map((call) => [call.id, call]));
  const rooms = new Map(now.rooms.map((room) => [room.room, room]));
  change.calls.forEach((call) => calls.set(call.id, call));
  change.callsGone.forEach((id) => calls.delete(id));
  change.rooms.forEach((room) => rooms.set(room.room, room));
  change.roomsGone.forEach((room) => rooms.delete(room));
  return { calls: [...calls.values()].sort((one, other) => one.id - other.id), rooms: [...rooms.values()].sort((one, other) => one.room.localeCompare(other.room)), plan: change.plan ?? now.plan };
}
