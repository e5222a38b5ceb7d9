// What the page says, in German and in English.

import type { End, Language } from "./protocol";

const de = {
  language: "Sprache", join: "Teilnehmen", title: "An der Konferenz teilnehmen", room: "Konferenz", roomHint: "Der letzte Teil des Links, zum Beispiel ratssitzung",
  go: "Weiter", name: "Ihr Name", nameHint: "So sehen Sie die anderen in der Liste.", pin: "PIN", pinHint: "4 bis 12 Ziffern, steht in der Einladung.",
  nameMissing: "Bitte geben Sie einen Namen ein.", pinMissing: "Bitte geben Sie die PIN ein.", roomMissing: "Bitte geben Sie den Namen der Konferenz ein.",
  microphone: "Mikrofon", level: "Pegel Ihres Mikrofons", noMicrophone: "Kein Mikrofon. Sie hören zu, die anderen hören Sie nicht. Erlauben Sie in den Einstellungen des Browsers den Zugriff, um zu sprechen.",
  defaultDevice: "Mikrofon", joining: "Die Verbindung wird aufgebaut …", reconnecting: "Die Verbindung ist unterbrochen. Sie wird wiederhergestellt, Ihr Platz bleibt frei.",
  reconnected: "Die Verbindung steht wieder.", waitingTitle: "Bitte warten Sie", inLobby: "Die Leitung lässt Sie gleich ein.", notOpenYet: "Die Konferenz hat noch nicht begonnen.", opens: "Beginn", ends: "Ende", waitingSince: "Sie warten seit",
  leave: "Verlassen", mute: "Stumm schalten", unmute: "Stummschaltung aufheben", raise: "Hand heben", lower: "Hand senken", you: "Sie", phone: "Telefon", browser: "Browser",
  moderator: "Leitung", listener: "Zuhörer", muted: "stumm", hand: "Hand gehoben", away: "Verbindung unterbrochen", speaking: "spricht",
  participants: "Teilnehmende", lobby: "Warteraum", admit: "Einlassen", admitAll: "Alle einlassen", refuse: "Abweisen", remove: "Entfernen", muteOne: "Stumm schalten", giveFloor: "Wort erteilen", allowOne: "Ton erlauben", lowerOne: "Hand senken",
  manage: "Konferenz leiten", muteAll: "Alle stumm schalten", unmuteAll: "Alle dürfen sprechen", lock: "Abschließen", unlock: "Aufschließen", end: "Für alle beenden", lockedNow: "Abgeschlossen",
  endTitle: "Konferenz für alle beenden?", endText: "Alle werden getrennt, auch wer am Telefon ist.", removeTitle: "Teilnehmer entfernen?", cancel: "Abbrechen", yesEnd: "Beenden", yesRemove: "Entfernen",
  soundBlocked: "Der Browser spielt den Ton erst nach einem Klick ab.", soundOn: "Ton einschalten", again: "Erneut teilnehmen", keys: "Tasten: M stumm, H Hand",
  text: "Mitlesen und schreiben", textLog: "Geschriebenes", textEmpty: "Hier steht, was jemand schreibt, auch von einem Texttelefon. Es wird nicht aufbewahrt.", textYours: "Ihr Text",
  textHint: "Alle lesen sofort mit, Buchstabe für Buchstabe. Eingabetaste: neue Zeile.", textNext: "Neue Zeile", textLost: "[…]", textNotNow: "Sie können schreiben, sobald Sie das Wort haben.",
  joined: "nimmt teil", left: "ist gegangen", waits: "wartet", overTitle: "Auf Wiederhören",
};
export type Words = typeof de;

const en: Words = {
  language: "Language", join: "Join", title: "Join the meeting", room: "Meeting", roomHint: "The last part of the link, for example council",
  go: "Continue", name: "Your name", nameHint: "This is how others see you in the list.", pin: "PIN", pinHint: "4 to 12 digits, from the invitation.",
  nameMissing: "Please enter a name.", pinMissing: "Please enter the PIN.", roomMissing: "Please enter the name of the meeting.",
  microphone: "Microphone", level: "Level of your microphone", noMicrophone: "No microphone. You can listen, but others do not hear you. Allow access in the browser's settings to speak.",
  defaultDevice: "Microphone", joining: "Connecting …", reconnecting: "The connection is broken. It is being restored, your place is kept.",
  reconnected: "The connection is back.", waitingTitle: "Please wait", inLobby: "The moderator will let you in.", notOpenYet: "The meeting has not begun yet.", opens: "Begins", ends: "Ends", waitingSince: "You have been waiting since",
  leave: "Leave", mute: "Mute", unmute: "Unmute", raise: "Raise hand", lower: "Lower hand", you: "you", phone: "Telephone", browser: "Browser",
  moderator: "Moderator", listener: "Listener", muted: "muted", hand: "hand raised", away: "connection broken", speaking: "speaking",
  participants: "Participants", lobby: "Waiting room", admit: "Admit", admitAll: "Admit all", refuse: "Turn away", remove: "Remove", muteOne: "Mute", giveFloor: "Give the floor", allowOne: "Allow to speak", lowerOne: "Lower hand",
  manage: "Lead the meeting", muteAll: "Mute all", unmuteAll: "Let everybody speak", lock: "Lock", unlock: "Unlock", end: "End for all", lockedNow: "Locked",
  endTitle: "End the meeting for all?", endText: "Everybody is disconnected, those on the telephone too.", removeTitle: "Remove this participant?", cancel: "Cancel", yesEnd: "End", yesRemove: "Remove",
  soundBlocked: "The browser plays sound only after a click.", soundOn: "Turn on sound", again: "Join again", keys: "Keys: M mute, H hand",
  text: "Text", textLog: "What was typed", textEmpty: "What somebody types appears here, also from a text telephone. It is not kept.", textYours: "Your text",
  textHint: "Everybody reads along at once, letter by letter. Enter: new line.", textNext: "New line", textLost: "[…]", textNotNow: "You can type once you have the floor.",
  joined: "joined", left: "left", waits: "is waiting", overTitle: "Goodbye",
};

export const WORDS: Record<Language, Words> = { de, en };

/** What a notice of the gateway says; without an entry nothing is said. */
export const NOTICES: Record<Language, Record<string, string>> = {
  de: {
    muted: "Sie sind stumm.", unmuted: "Sie sind zu hören.", mutedByModerator: "Die Leitung hat Sie stumm geschaltet. Heben Sie die Hand, um das Wort zu erhalten.",
    mayNotSpeak: "Sie dürfen zurzeit nicht sprechen. Heben Sie die Hand, um das Wort zu erhalten.", youMaySpeak: "Sie haben das Wort: Sie sind zu hören.",
    pleaseUnmute: "Sie haben das Wort. Heben Sie Ihre Stummschaltung auf.", handRaised: "Ihre Hand ist gehoben.", handLowered: "Ihre Hand ist unten.", onlyModerators: "Das darf nur die Leitung.",
  },
  en: {
    muted: "You are muted.", unmuted: "You are heard.", mutedByModerator: "A moderator muted you. Raise your hand to ask for the floor.",
    mayNotSpeak: "You may not speak at the moment. Raise your hand to ask for the floor.", youMaySpeak: "You have the floor: you are heard.",
    pleaseUnmute: "You have the floor. Please unmute yourself.", handRaised: "Your hand is raised.", handLowered: "Your hand is lowered.", onlyModerators: "Only a moderator may do that.",
  },
};

export const ENDS: Record<Language, Record<End, string>> = {
  de: { ended: "Die Konferenz ist beendet.", removed: "Die Leitung hat Sie aus der Konferenz entfernt.", notAdmitted: "Die Leitung hat Sie nicht eingelassen.", replaced: "Sie nehmen in einem anderen Fenster teil.", left: "Sie haben die Konferenz verlassen." },
  en: { ended: "The meeting is over.", removed: "A moderator removed you from the meeting.", notAdmitted: "A moderator did not let you in.", replaced: "You take part in another window.", left: "You have left the meeting." },
};

/** The language chosen here before, else that of the browser. */
export function initialLanguage(): Language {
  const kept = localStorage.getItem("language");
  if (kept === "de" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}
