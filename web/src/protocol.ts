// What this page and the gateway say to each other: one JSON object in each text frame.

export type Language = "de" | "en";
export type Role = "listener" | "participant" | "moderator";

export interface Participant {
  id: number;
  name: string;
  kind: "phone" | "browser";
  role: Role;
  muted: boolean;
  mutedByModerator: boolean;
  hand: boolean;
  handSince?: number;
  speaking: boolean;
  lobby: boolean;
  away: boolean;
}

export interface Snapshot {
  revision: number;
  title: string;
  open: boolean;
  locked: boolean;
  ended: boolean;
  participants: Participant[];
}

export type RoomEvent =
  | { what: "joined" | "changed" | "waiting"; participant: Participant }
  | { what: "left" | "waitingNoLonger"; id: number }
  | { what: "opened" | "ended" }
  | { what: "locked"; on: boolean }
  | { what: "retitled"; title: string };

export type Action =
  | { do: "muteSelf" | "hand" | "muteAll" | "lock"; on: boolean }
  | { do: "mute"; participant: number; on: boolean }
  | { do: "admit" | "giveFloor" | "lowerHand" | "remove"; participant: number }
  | { do: "admitAll" | "open" | "end" };

export type Request =
  | { type: "join"; name: string; offer: string; pin?: string }
  | { type: "resume"; token: string; offer?: string }
  | { type: "offer"; sdp: string }
  | { type: "act"; action: Action }
  | { type: "type"; text: string }
  | { type: "leave" };

export type End = "ended" | "removed" | "notAdmitted" | "replaced" | "left";

export type Refusal = {
  type: "refused";
  code: "pin" | "wrongPin" | "locked" | "full" | "over" | "gone" | "slowDown" | "notFound" | "protocol" | "sound";
  message: Record<Language, string>;
  seconds?: number;
};

export type Answer =
  | { type: "welcome"; you: number; role: Role; token: string; answer?: string; relay?: RTCIceServer; waiting: boolean; snapshot?: Snapshot; opensAt?: string; endsAt?: string }
  | { type: "planned"; opensAt?: string; endsAt?: string }
  | { type: "answer"; sdp: string }
  | { type: "admitted"; snapshot: Snapshot }
  | { type: "event"; revision: number; event: RoomEvent }
  | { type: "speaking"; participants: number[] }
  | { type: "text"; who: number; text: string }
  | { type: "notice"; notice: string; count?: number; muted?: boolean }
  | Refusal
  | { type: "ended"; why: End };
