import { expect, test } from "vitest";
import type { Participant, Snapshot } from "./protocol";
import { follow, inside, waiting, welcome } from "./state";

const somebody = (id: number, more: Partial<Participant> = {}): Participant => ({
  id, name: `Nr. ${id}`, kind: "phone", role: "participant", muted: false, mutedByModerator: false,
  hand: false, speaking: false, lobby: false, away: false, ...more,
});
const snapshot: Snapshot = { revision: 5, title: "Rat", open: true, locked: false, ended: false, participants: [somebody(1)] };
const start = () => welcome({ type: "welcome", you: 1, role: "moderator", token: "t", waiting: false, snapshot });

test("an event that the snapshot already holds changes nothing", () => {
  const meeting = start();
  expect(follow(meeting, 5, { what: "left", id: 1 })).toBe(meeting);
});

test("events are followed across gaps", () => {
  let meeting = follow(start(), 9, { what: "joined", participant: somebody(2) });
  meeting = follow(meeting, 12, { what: "locked", on: true });
  meeting = follow(meeting, 13, { what: "left", id: 1 });
  expect(inside(meeting).map((one) => one.id)).toEqual([2]);
  expect(meeting).toMatchObject({ revision: 13, locked: true });
});

test("raised hands come first, in the order in which they were raised", () => {
  let meeting = start();
  const hands: [number, number][] = [[2, 9], [3, 7]];
  for (const [id, handSince] of hands) {
    meeting = follow(meeting, 20 + id, { what: "joined", participant: somebody(id, { hand: true, handSince }) });
  }
  expect(inside(meeting).map((one) => one.id)).toEqual([3, 2, 1]);
});

test("who waits is shown apart, and gone once admitted", () => {
  let meeting = follow(start(), 6, { what: "waiting", participant: somebody(4, { lobby: true }) });
  expect([waiting(meeting).length, inside(meeting).length]).toEqual([1, 1]);
  meeting = follow(meeting, 7, { what: "waitingNoLonger", id: 4 });
  expect(waiting(meeting)).toEqual([]);
});
