// What the page knows of the meeting, and how each message changes it. Pure: the same messages give the same state.

import type { Answer, Participant, Role, RoomEvent, Snapshot } from "./protocol";

export interface Meeting {
  you: number;
  role: Role;
  waiting: boolean;
  title: string;
  locked: boolean;
  revision: number;
  participants: ReadonlyMap<number, Participant>;
  speaking: ReadonlySet<number>;
}

export function welcome(message: Extract<Answer, { type: "welcome" }>): Meeting {
  const meeting: Meeting = {
    you: message.you,
    role: message.role,
    waiting: message.waiting,
    title: "",
    locked: false,
    revision: 0,
    participants: new Map(),
    speaking: new Set(),
  };
  return message.snapshot ? withSnapshot(meeting, message.snapshot) : meeting;
}

export function withSnapshot(meeting: Meeting, snapshot: Snapshot): Meeting {
  const { title, locked, revision } = snapshot;
  const participants = new Map(snapshot.participants.map((one) => [one.id, one]));
  const speaking = new Set(snapshot.participants.filter((one) => one.speaking).map((one) => one.id));
  return { ...meeting, waiting: false, title, locked, revision, participants, speaking };
}

/** Brings the meeting to the state after an event. What is already known changes nothing. */
export function follow(meeting: Meeting, revision: number, event: RoomEvent): Meeting {
  if (revision <= meeting.revision) return meeting;
  const participants = new Map(meeting.participants);
  const next = { ...meeting, revision, participants };
  switch (event.what) {
    case "joined":
    case "changed":
    case "waiting":
      participants.set(event.participant.id, event.participant);
      return next;
    case "left":
    case "waitingNoLonger":
      participants.delete(event.id);
      return next;
    case "locked":
      return { ...next, locked: event.on };
    case "retitled":
      return { ...next, title: event.title };
    case "opened":
    case "ended":
      return next;
  }
}

export function inside(meeting: Meeting): Participant[] {
  const byHand = (one: Participant) => (one.hand ? (one.handSince ?? 0) : Number.MAX_SAFE_INTEGER);
  return [...meeting.participants.values()]
    .filter((one) => !one.lobby)
    .sort((one, other) => byHand(one) - byHand(other) || one.id - other.id);
}

export function waiting(meeting: Meeting): Participant[] {
  return [...meeting.participants.values()].filter((one) => one.lobby).sort((one, other) => one.id - other.id);
}
