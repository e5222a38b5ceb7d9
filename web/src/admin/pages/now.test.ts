import { expect, test } from "vitest";
import { type LiveCall, merged } from "./now";

const call = (id: number, codec: string | null = null): LiveCall => ({ id, direction: "in", trunk: null, caller: null, called: "1", since: "", codec, encrypted: false, quality: null, room: null });

test("what is not named in a change is as it was", () => {
  const before = { calls: [call(1), call(2)], rooms: [], plan: { version: 3 } };
  const after = merged(before, { calls: [call(3), call(2, "opus")], callsGone: [1], rooms: [], roomsGone: ["rat"] });
  expect(after.calls.map((one) => [one.id, one.codec])).toEqual([[2, "opus"], [3, null]]);
  expect(after.plan.version).toBe(3);
  expect(merged(after, { calls: [], callsGone: [], rooms: [], roomsGone: [], plan: { version: 4 } }).plan.version).toBe(4);
});
