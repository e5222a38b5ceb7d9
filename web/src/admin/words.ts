// What the frame of the console says, in German and in English. Each page has a table of its own.

import type { Language } from "../protocol";
import type { Right, Role } from "./session";

const de = {
  title: "Verwaltung", skip: "Zum Inhalt springen", language: "Sprache", menu: "Menü", main: "Bereiche", signOut: "Abmelden", signedInAs: "Angemeldet als",
  signIn: "Anmelden", signInTitle: "Bei Einwahl anmelden", signInBy: "Mit … anmelden", orByAccount: "Oder mit einem Konto von Einwahl:", name: "Name", nameHint: "Der Name Ihres Kontos", password: "Passwort", passwordHint: "Das Passwort Ihres Kontos",
  codeTitle: "Code aus der App", code: "Code", codeHint: "Die sechs Ziffern, die Ihre App gerade anzeigt", useRecovery: "Wiederherstellungscode verwenden", useApp: "Code aus der App verwenden",
  recovery: "Wiederherstellungscode", recoveryHint: "Einer der Codes, die Sie beim Einrichten notiert haben. Er gilt einmal.", next: "Weiter",
  enrolTitle: "Zweiten Faktor einrichten", enrolText: "Öffnen Sie auf Ihrem Telefon eine App für Einmalcodes und scannen Sie dieses Bild. Ohne Kamera tippen Sie den Schlüssel ab.", enrolKey: "Schlüssel", enrolPicture: "QR-Code mit dem Schlüssel für die App",
  newPasswordTitle: "Neues Passwort wählen", newPassword: "Neues Passwort", newPasswordHint: "Mindestens 12 Zeichen. Ein Satz ist leichter zu merken als Sonderzeichen.",
  codesTitle: "Ihre Wiederherstellungscodes", codesText: "Notieren Sie diese Codes jetzt und bewahren Sie sie sicher auf. Jeder ersetzt einmal die App. Sie werden nicht noch einmal gezeigt.", codesDone: "Ich habe sie notiert",
  expired: "Ihre Sitzung ist abgelaufen. Melden Sie sich bitte neu an. Ungespeicherte Änderungen bleiben auf dieser Seite stehen.", unsteady: "Die Verbindung ist unterbrochen. Es wird weiter versucht.",
  missing: "Bitte füllen Sie dieses Feld aus.", loading: "Wird geladen …", again: "Erneut versuchen", nothingHere: "Ihre Rolle erlaubt hier nichts. Bitten Sie die Administration um eine andere.", notFound: "Diese Seite gibt es nicht.",
  cancel: "Abbrechen", close: "Schließen", yes: "Ja", copy: "Kopieren", copied: "Kopiert.", export: "Als CSV herunterladen", more: "Weitere laden", actions: "Aktionen", dark: "Dunkle Ansicht", light: "Helle Ansicht",
};
export type Words = typeof de;

const en: Words = {
  title: "Administration", skip: "Skip to content", language: "Language", menu: "Menu", main: "Areas", signOut: "Sign out", signedInAs: "Signed in as",
  signIn: "Sign in", signInTitle: "Sign in to Einwahl", signInBy: "Sign in with …", orByAccount: "Or with an account of Einwahl:", name: "Name", nameHint: "The name of your account", password: "Password", passwordHint: "The password of your account",
  codeTitle: "Code of the app", code: "Code", codeHint: "The six digits that your app shows now", useRecovery: "Use a recovery code", useApp: "Use a code of the app",
  recovery: "Recovery code", recoveryHint: "One of the codes that you noted when you set up the app. It counts once.", next: "Continue",
  enrolTitle: "Set up the second factor", enrolText: "Open an app for one-time codes on your telephone and scan this picture. Without a camera, type the key.", enrolKey: "Key", enrolPicture: "QR code with the key for the app",
  newPasswordTitle: "Choose a new password", newPassword: "New password", newPasswordHint: "At least 12 characters. A sentence is easier to remember than odd characters.",
  codesTitle: "Your recovery codes", codesText: "Note these codes now and keep them in a safe place. Each stands in for the app once. They are not shown again.", codesDone: "I have noted them",
  expired: "Your session is over. Please sign in again. What you have not saved stays on this page.", unsteady: "The connection is broken. It is being restored.",
  missing: "Please fill in this field.", loading: "Loading …", again: "Try again", nothingHere: "Your role allows nothing here. Ask an administrator for another.", notFound: "There is no such page.",
  cancel: "Cancel", close: "Close", yes: "Yes", copy: "Copy", copied: "Copied.", export: "Download as CSV", more: "Load more", actions: "Actions", dark: "Dark view", light: "Light view",
};

export const WORDS: Record<Language, Words> = { de, en };

export const ROLES: Record<Language, Record<Role, string>> = {
  de: { viewer: "Lesend", editor: "Redaktion des Wählplans", operator: "Betrieb", auditor: "Revision", administrator: "Administration" },
  en: { viewer: "Viewer", editor: "Dialplan editor", operator: "Operator", auditor: "Auditor", administrator: "Administrator" },
};

/** Areas of the console, in the order of the menu: where, what one needs to see it, and its name. */
export const AREAS: { path: string; needs: Right; name: Record<Language, string> }[] = [
  { path: "dialplan", needs: "plan", name: { de: "Wählplan", en: "Dialplan" } },
  { path: "live", needs: "calls", name: { de: "Jetzt", en: "Live" } },
  { path: "calls", needs: "calls", name: { de: "Anrufe", en: "Calls" } },
  { path: "meetings", needs: "read", name: { de: "Konferenzen", en: "Meetings" } },
  { path: "trunks", needs: "calls", name: { de: "Anschlüsse", en: "Trunks" } },
  { path: "federation", needs: "calls", name: { de: "Föderation", en: "Federation" } },
  { path: "residency", needs: "audit", name: { de: "Datenwege", en: "Residency" } },
  { path: "audit", needs: "audit", name: { de: "Protokoll", en: "Audit" } },
  { path: "accounts", needs: "accounts", name: { de: "Konten", en: "Accounts" } },
];

/** Why the institution's own sign-in has led to nothing, and what to do; … stands for what that is called. */
const again = { de: "Beginnen Sie die Anmeldung bitte noch einmal.", en: "Please begin to sign in once more." };
const stoppedDe = {
  noRole: { title: "Sie haben hier noch keine Rolle", text: "Bei … sind Sie angemeldet, aber keine Ihrer Gruppen darf Einwahl verwalten. Bitten Sie die Telefonie-Administration Ihres Hauses, Sie in eine Gruppe mit einer Rolle aufzunehmen, und melden Sie sich dann neu an." },
  unreachable: { title: "… antwortet nicht", text: "Versuchen Sie es in ein paar Minuten noch einmal. Wer ein Konto von Einwahl hat, kann sich weiterhin damit anmelden. Hält es an, sagt das Protokoll der Administration, woran es liegt." },
  notPermitted: { title: "… darf nicht gefragt werden", text: "Die Adresse dieses Systems liegt außerhalb der Auftragsverarbeiter, die die Konfiguration nennt. Bitte sagen Sie es der Administration. Mit einem Konto von Einwahl können Sie sich weiterhin anmelden." },
  declined: { title: "… hat die Anmeldung abgelehnt", text: `Vielleicht wurde sie dort abgebrochen. ${again.de} Hilft das nicht, wenden Sie sich an die Stelle, die … betreibt.` },
  expired: { title: "Die Anmeldung hat zu lange gedauert", text: `Sie gilt zehn Minuten. ${again.de}` },
  unknown: { title: "Diese Anmeldung gilt nicht (mehr)", text: `Sie wurde nicht hier begonnen oder schon benutzt. ${again.de}` },
  otherBrowser: { title: "Diese Anmeldung wurde anderswo begonnen", text: `Sie gilt nur in dem Browser und in dem Fenster, in dem sie zuletzt begonnen wurde. ${again.de}` },
  busy: { title: "Zurzeit wollen sich zu viele anmelden", text: "Warten Sie einen Moment und versuchen Sie es dann noch einmal." },
  other: { title: "Der Antwort von … kann nicht vertraut werden", text: `${again.de} Geschieht es wieder, sagen Sie es der Administration: Im Protokoll steht, woran es liegt.` },
};
const stoppedEn: typeof stoppedDe = {
  noRole: { title: "You have no role here yet", text: "You are signed in to …, but none of your groups may administrate Einwahl. Ask the telephone administrators of your institution to put you into a group that has a role, and then sign in again." },
  unreachable: { title: "… does not answer", text: "Try again in a few minutes. Who has an account of Einwahl can still sign in with it. If it lasts, the audit tells the administrators why." },
  notPermitted: { title: "… must not be asked", text: "The address of that system is outside of the processors that the configuration names. Please tell the administrators. With an account of Einwahl you can still sign in." },
  declined: { title: "… has declined", text: `Perhaps the sign-in was cancelled there. ${again.en} If that does not help, turn to those who run ….` },
  expired: { title: "Signing in took too long", text: `It has to be done within ten minutes. ${again.en}` },
  unknown: { title: "This sign-in does not count (any more)", text: `It was not begun here, or was used already. ${again.en}` },
  otherBrowser: { title: "This sign-in was begun elsewhere", text: `It counts only in the browser and the window in which one was last begun. ${again.en}` },
  busy: { title: "Too many are signing in at the moment", text: "Wait a moment, and then try again." },
  other: { title: "What … answers cannot be trusted", text: `${again.en} If it happens again, tell the administrators: the audit says why.` },
};
export const STOPPED: Record<Language, typeof stoppedDe> = { de: stoppedDe, en: stoppedEn };

export function isWhy(text: string): text is keyof typeof stoppedDe {
  return Object.hasOwn(stoppedDe, text);
}

/** What is told where the gateway says nothing itself. */
export const SILENT: Record<Language, { unreachable: string; unreadable: string; check: string }> = {
  de: { unreachable: "Der Server antwortet nicht", unreadable: "Die Antwort kann nicht gelesen werden", check: "Prüfen Sie Ihre Verbindung, und versuchen Sie es noch einmal." },
  en: { unreachable: "The server does not answer", unreadable: "The answer cannot be read", check: "Check your connection, and try again." },
};
