// Who is signed in, and what they may do, as the gateway tells it.

export type Right = "read" | "pins" | "write" | "plan" | "edit" | "publish" | "calls" | "operate" | "audit" | "accounts" | "erase";

export type Role = "viewer" | "editor" | "operator" | "auditor" | "administrator";

export interface Session {
  next: "code" | "enrol" | "newPassword" | "nothing";
  name: string;
  role?: Role;
  rights: Right[];
  hasAccount: boolean;
  csrf: string;
  endsIn: number;
  idle: number;
  recoveryCodes?: string[];
}

/** How one may sign in beside a name and a password. */
export interface Ways {
  /** What the institution calls its own sign-in. */
  oidc?: string;
}

export interface Enrolment {
  secret: string;
  uri: string;
  qr: string;
}

export function may(session: Session, right: Right): boolean {
  return session.rights.includes(right);
}
