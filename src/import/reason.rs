//! Why a line is not in the plan, or not as it was: one reason each, and its sentences in both languages.

use crate::words::Language;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the sentences below say it")]
pub enum Reason {
    // --- nothing is lost ---
    Blank,
    Comment,
    /// The first line of a list.
    Heading,
    Setting,
    Itself(String),
    ForTheLog,
    AfterHangup,
    Unused(String),
    Unreached,
    Doubled,
    Twice(usize),
    IncludedHere(String),
    IncludedAgain(String),
    NoCallsThere(String),

    // --- it is there, and is different ---
    DialOptions(String),
    MenuForRooms,
    Patience(u64),
    Emergency,
    HelpBehind(String),
    NoKeys,

    // --- it is not there ---
    Unreadable,
    OtherFile(String),
    OtherServer,
    Templates,
    Lamp,
    Unknown(String),
    Voicemail,
    Program(String),
    Recording,
    Condition,
    Variable(String),
    OtherNumber,
    Device(String),
    NobodyToRing,
    Sound(String),
    Keys,
    ByKey,
    NoQueue(String),
    NoMembers,
    QueueSetting(String),
    Times(String),
    Loop,
    NoPlace(String),
    NotEntered(String),
    CallerName,
    Pattern(String),
    Specials(String),
    TooLong,
    NoNumber(String),
    Again {
        number: String,
        line: usize,
    },
    NoName(String),
    NoTarget(String),
    Columns(String),
    NoNumbers,
}

/// What a reason means for its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing is lost.
    NotNeeded,
    /// It is there, and is different.
    Differs,
    /// It is not there.
    Left,
}

impl Class {
    /// Whether it says something of a line that has met this fate.
    pub(super) fn tells_in(self, fate: super::Fate) -> bool {
        match self {
            Self::NotNeeded => fate == super::Fate::NotNeeded,
            Self::Differs | Self::Left => true,
        }
    }
}

impl Reason {
    /// A name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Comment => "comment",
            Self::Heading => "heading",
            Self::Setting => "setting",
            Self::Itself(_) => "itself",
            Self::ForTheLog => "for-the-log",
            Self::AfterHangup => "after-hangup",
            Self::Unused(_) => "unused",
            Self::Unreached => "unreached",
            Self::Doubled => "doubled",
            Self::Twice(_) => "twice",
            Self::IncludedHere(_) => "included-here",
            Self::IncludedAgain(_) => "included-again",
            Self::NoCallsThere(_) => "no-calls-there",
            Self::DialOptions(_) => "dial-options",
            Self::MenuForRooms => "menu-for-rooms",
            Self::Patience(_) => "patience",
            Self::Emergency => "emergency",
            Self::HelpBehind(_) => "help-behind",
            Self::NoKeys => "no-keys",
            Self::Unreadable => "unreadable",
            Self::OtherFile(_) => "other-file",
            Self::OtherServer => "other-server",
            Self::Templates => "templates",
            Self::Lamp => "lamp",
            Self::Unknown(_) => "unknown",
            Self::Voicemail => "voicemail",
            Self::Program(_) => "program",
            Self::Recording => "recording",
            Self::Condition => "condition",
            Self::Variable(_) => "variable",
            Self::OtherNumber => "other-number",
            Self::Device(_) => "device",
            Self::NobodyToRing => "nobody-to-ring",
            Self::Sound(_) => "sound",
            Self::Keys => "keys",
            Self::ByKey => "by-key",
            Self::NoQueue(_) => "no-queue",
            Self::NoMembers => "no-members",
            Self::QueueSetting(_) => "queue-setting",
            Self::Times(_) => "times",
            Self::Loop => "loop",
            Self::NoPlace(_) => "no-place",
            Self::NotEntered(_) => "not-entered",
            Self::CallerName => "caller-name",
            Self::Pattern(_) => "pattern",
            Self::Specials(_) => "specials",
            Self::TooLong => "too-long",
            Self::NoNumber(_) => "no-number",
            Self::Again { .. } => "again",
            Self::NoName(_) => "no-name",
            Self::NoTarget(_) => "no-target",
            Self::Columns(_) => "columns",
            Self::NoNumbers => "no-numbers",
        }
    }

    pub(super) const fn class(&self) -> Class {
        match self {
            Self::Blank
            | Self::Comment
            | Self::Heading
            | Self::Setting
            | Self::Itself(_)
            | Self::ForTheLog
            | Self::AfterHangup
            | Self::Unused(_)
            | Self::Unreached
            | Self::Doubled
            | Self::Twice(_)
            | Self::IncludedHere(_)
            | Self::IncludedAgain(_)
            | Self::NoCallsThere(_) => Class::NotNeeded,
            Self::DialOptions(_)
            | Self::MenuForRooms
            | Self::Patience(_)
            | Self::Emergency
            | Self::HelpBehind(_)
            | Self::NoKeys => Class::Differs,
            Self::Unreadable
            | Self::OtherFile(_)
            | Self::OtherServer
            | Self::Templates
            | Self::Lamp
            | Self::Unknown(_)
            | Self::Voicemail
            | Self::Program(_)
            | Self::Recording
            | Self::Condition
            | Self::Variable(_)
            | Self::OtherNumber
            | Self::Device(_)
            | Self::NobodyToRing
            | Self::Sound(_)
            | Self::Keys
            | Self::ByKey
            | Self::NoQueue(_)
            | Self::NoMembers
            | Self::QueueSetting(_)
            | Self::Times(_)
            | Self::Loop
            | Self::NoPlace(_)
            | Self::NotEntered(_)
            | Self::CallerName
            | Self::Pattern(_)
            | Self::Specials(_)
            | Self::TooLong
            | Self::NoNumber(_)
            | Self::Again { .. }
            | Self::NoName(_)
            | Self::NoTarget(_)
            | Self::Columns(_)
            | Self::NoNumbers => Class::Left,
        }
    }

    /// Why, and what to do; the latter is empty where nothing has to be done.
    pub fn tell(&self, language: Language) -> (String, String) {
        match language {
            Language::De => self.german(),
            Language::En => self.english(),
        }
    }

    fn german(&self) -> (String, String) {
        let only = |why: &str| (why.to_owned(), String::new());
        let both = |why: String, help: &str| (why, help.to_owned());
        match self {
            Self::Blank => only("leere Zeile"),
            Self::Comment => only("Kommentar"),
            Self::Heading => only("Überschriften der Spalten"),
            Self::Setting => only("eine Einstellung von Asterisk"),
            Self::Itself(app) => both(format!("{app}: das tut Einwahl von selbst"), ""),
            Self::ForTheLog => only("eine Notiz fürs Protokoll; `einwahl dialplan trace` zeigt jeden Schritt"),
            Self::AfterHangup => only("Aufräumen nach dem Auflegen: das tut Einwahl von selbst"),
            Self::Unused(name) => both(format!("die Variable {name} wird nirgends gebraucht"), ""),
            Self::Unreached => only("hierher kommt auch in Asterisk kein Anruf"),
            Self::Doubled => only("diese Nummer hat diesen Schritt schon; Asterisk übergeht die Zeile auch"),
            Self::Twice(line) => both(format!("dieselbe Nummer mit demselben Ziel wie in Zeile {line}"), ""),
            Self::IncludedHere(file) => both(format!("{file} wird mit übernommen"), ""),
            Self::IncludedAgain(name) => both(format!("{name} ist schon eingebunden; zweimal wird nichts gesucht"), ""),
            Self::NoCallsThere(name) => both(format!("zu {name} führt keine Zeile"), ""),
            Self::DialOptions(options) => {
                both(format!("die Optionen {options} von Dial gibt es nicht"), "Das Klingeln selbst ist übernommen.")
            }
            Self::MenuForRooms => both(
                String::from(
                    "eine Konferenz je gewählter Nummer gibt es nicht: Anrufende geben die Konferenz-ID im Menü ein",
                ),
                "Gib jeder Konferenz ein [[meetings]] mit ihrer Nummer als id.",
            ),
            Self::Patience(seconds) => both(format!("klingelt {seconds} Sekunden: zwischen 3 und 180 ist möglich"), ""),
            Self::Emergency => only("110 und 112 haben eine eigene Regel, die immer gilt"),
            Self::HelpBehind(numbers) => {
                both(format!("{numbers} ist ausgenommen: Notrufe wählt man ohne Ziffern davor"), "")
            }
            Self::NoKeys => only("die Ansage wird gesagt; wählen kann man dabei nicht"),
            Self::Unreadable => both(
                String::from("diese Zeile ist nicht zu lesen"),
                "Schreib sie als `exten => Nummer,Schritt,App(…)`.",
            ),
            Self::OtherFile(file) => {
                let help = format!("Gib {file} beim Import mit an.");
                (format!("{file} liegt nicht bei"), help)
            }
            Self::OtherServer => both(
                String::from("ein anderer Server entscheidet hier"),
                "Schreib eine Regel mit `ring` oder `redirect` dorthin.",
            ),
            Self::Templates => {
                both(String::from("Vorlagen werden nicht aufgelöst"), "Schreib die Zeilen der Vorlage in den Kontext.")
            }
            Self::Lamp => {
                both(String::from("Lämpchen der Telefone (hint) gehören zur Telefonanlage"), "Lass sie dort.")
            }
            Self::Unknown(app) => both(
                format!("{app}: das gibt es in Einwahl nicht"),
                "Überleg, was Anrufende hier brauchen, und schreib eine Regel dafür.",
            ),
            Self::Voicemail => both(
                String::from("einen Anrufbeantworter gibt es in Einwahl nicht"),
                "Ring die Mailbox der Telefonanlage an (`ring`), oder sag an, wann jemand da ist (`announce`).",
            ),
            Self::Program(app) => both(
                format!("{app}: fremde Programme startet Einwahl nicht"),
                "Schreib als Regeln, was es entscheidet.",
            ),
            Self::Recording => {
                both(String::from("Gespräche zeichnet Einwahl nicht auf"), "Wo es erlaubt ist: in der Telefonanlage.")
            }
            Self::Condition => both(
                String::from("diese Bedingung kann ein Plan nicht stellen; es geht weiter, als träfe sie nicht zu"),
                "Bedingungen von Regeln: caller, trunk, withheld, when …",
            ),
            Self::Variable(name) => {
                both(format!("was in {name} steht, weiß man erst beim Anruf"), "Schreib hin, was gemeint ist.")
            }
            Self::OtherNumber => both(
                String::from("von hier an gälte eine andere Nummer, als gewählt wurde"),
                "Gib der Regel das Ziel selbst, etwa `ring = { to = \"{called:1}\" }`.",
            ),
            Self::Device(device) => both(
                format!("{device} ist kein Telefon, das über einen Trunk zu erreichen ist"),
                "Schreib Nummer@Trunk in `ring`.",
            ),
            Self::NobodyToRing => {
                both(String::from("hier bleibt niemand, der klingeln könnte"), "Schreib eine Regel mit `ring`.")
            }
            Self::Sound(name) => both(
                format!("die Ansage {name} gibt es nicht"),
                "Nenn mit --sound die Ansage, die dafür steht; `einwahl prompts list` zählt sie auf, eigene Aufnahmen können an ihre Stelle treten.",
            ),
            Self::Keys => both(
                String::from("eine Auswahl mit Tasten gibt es nicht; es geht weiter, als wäre nichts gewählt worden"),
                "Gib jedem Amt eine eigene Nummer, oder lass die Zentrale klingeln.",
            ),
            Self::ByKey => {
                both(String::from("hierher kam man nur mit einer Taste"), "Gib dem Ziel eine eigene Nummer.")
            }
            Self::NoQueue(name) => both(
                format!("wer in der Warteschlange {name} antwortet, steht in queues.conf"),
                "Gib queues.conf beim Import mit an.",
            ),
            Self::NoMembers => {
                both(String::from("in dieser Warteschlange antwortet niemand"), "Schreib [queues.NAME] mit agents.")
            }
            Self::QueueSetting(name) => {
                both(format!("{name} gibt es bei Warteschlangen nicht"), "`docs/dialplan.md` sagt, was es gibt.")
            }
            Self::Times(text) => both(
                format!("{text} sind keine Zeiten aus Uhrzeit und Wochentagen"),
                "Schreib [hours.NAME] mit Feiertagen und Schließtagen, und `when = { open = … }`.",
            ),
            Self::Loop => {
                both(String::from("von hier ginge es im Kreis"), "Der Anruf endet hier: lass ihn anderswo weitergehen.")
            }
            Self::NoPlace(text) => both(format!("{text} gibt es nicht"), "Der Anruf endet hier, wie in Asterisk."),
            Self::NotEntered(name) => {
                both(format!("in {name} beginnt kein Anruf"), "Nenn den Kontext mit --entry, wenn doch.")
            }
            Self::CallerName => both(
                String::from("Einwahl zeigt niemanden unter anderer Nummer oder anderem Namen"),
                "Die Telefonanlage oder der Trunk kann es.",
            ),
            Self::Pattern(text) => both(
                format!("{text} ist keine Nummer und kein Muster"),
                "`docs/dialplan.md` sagt, wie man Muster schreibt.",
            ),
            Self::Specials(name) => both(
                format!("{name} ist in Asterisk keine Nummer, sondern ein Fall, den es hier nicht gibt"),
                "Meist braucht es nichts.",
            ),
            Self::TooLong => both(
                String::from("hier sind zu viele Schritte hintereinander"),
                "Der Anruf endet hier: teil ihn in Kontexte auf.",
            ),
            Self::NoNumber(text) => {
                both(format!("{text:?} ist keine Nummer"), "Schreib Ziffern, mit oder ohne + davor.")
            }
            Self::Again { number, line } => {
                both(format!("{number} steht schon in Zeile {line}, mit anderem Ziel"), "Streich eine der beiden.")
            }
            Self::NoName(text) => both(
                format!("{text:?} kann hier nicht stehen"),
                "Räume, Sprachen, Telefone und Adressen schreibt man wie in `docs/dialplan.md`.",
            ),
            Self::NoTarget(number) => both(
                format!("{number} führt nirgendwohin"),
                "Füll eine Spalte mit dem Ziel aus: Raum, Ziel, Menü oder Weiterleitung.",
            ),
            Self::Columns(names) => both(
                format!("die Spalten {names} bedeuten nichts"),
                "Nenn sie Nummer, Raum, Ziel, Menü, Weiterleitung oder Bemerkung, wenn sie eines davon sind.",
            ),
            Self::NoNumbers => both(
                String::from("in dieser Datei ist keine Spalte mit Nummern"),
                "Schreib darüber: Nummer;Raum;Bemerkung.",
            ),
        }
    }

    fn english(&self) -> (String, String) {
        let only = |why: &str| (why.to_owned(), String::new());
        let both = |why: String, help: &str| (why, help.to_owned());
        match self {
            Self::Blank => only("an empty line"),
            Self::Comment => only("a comment"),
            Self::Heading => only("the headings of the columns"),
            Self::Setting => only("a setting of Asterisk"),
            Self::Itself(app) => both(format!("{app}: Einwahl does that by itself"), ""),
            Self::ForTheLog => only("a note for the log; `einwahl dialplan trace` shows every step"),
            Self::AfterHangup => only("tidying up after a call: Einwahl does that by itself"),
            Self::Unused(name) => both(format!("the variable {name} is used nowhere"), ""),
            Self::Unreached => only("no call gets here in Asterisk either"),
            Self::Doubled => only("this number has that step already; Asterisk passes over the line, too"),
            Self::Twice(line) => both(format!("the same number with the same target as in line {line}"), ""),
            Self::IncludedHere(file) => both(format!("{file} is imported along with it"), ""),
            Self::IncludedAgain(name) => both(format!("{name} is included already; nothing is looked for twice"), ""),
            Self::NoCallsThere(name) => both(format!("no line leads to {name}"), ""),
            Self::DialOptions(options) => {
                both(format!("there are no options {options} of Dial"), "The ringing itself is carried over.")
            }
            Self::MenuForRooms => both(
                String::from("there is no conference by the number that was dialled: callers key its ID in the menu"),
                "Give each conference [[meetings]] with its number as id.",
            ),
            Self::Patience(seconds) => both(format!("rings for {seconds} seconds: 3 to 180 are possible"), ""),
            Self::Emergency => only("110 and 112 have a rule of their own, which always holds"),
            Self::HelpBehind(numbers) => {
                both(format!("{numbers} is left out: emergency numbers have nothing before them"), "")
            }
            Self::NoKeys => only("it is said; nothing can be keyed meanwhile"),
            Self::Unreadable => {
                both(String::from("this line cannot be read"), "Write it as `exten => number,step,App(…)`.")
            }
            Self::OtherFile(file) => {
                let help = format!("Name {file} with the import.");
                (format!("{file} is not here"), help)
            }
            Self::OtherServer => both(
                String::from("another server decides here"),
                "Write a rule with `ring` or `redirect` that leads there.",
            ),
            Self::Templates => {
                both(String::from("templates are not filled in"), "Write the lines of the template into the context.")
            }
            Self::Lamp => {
                both(String::from("the lamps of telephones (hint) belong to the telephone system"), "Leave them there.")
            }
            Self::Unknown(app) => both(
                format!("{app}: Einwahl has nothing like it"),
                "Think of what callers need here, and write a rule for it.",
            ),
            Self::Voicemail => both(
                String::from("Einwahl has no answering machine"),
                "Ring the mailbox of the telephone system (`ring`), or tell when somebody is there (`announce`).",
            ),
            Self::Program(app) => {
                both(format!("{app}: Einwahl starts no programs of others"), "Write what it decides as rules.")
            }
            Self::Recording => {
                both(String::from("Einwahl records no talk"), "Where it is allowed: in the telephone system.")
            }
            Self::Condition => both(
                String::from("a plan cannot ask for this; it goes on as if it was not so"),
                "Rules can ask for caller, trunk, withheld, when …",
            ),
            Self::Variable(name) => {
                both(format!("what {name} is will be known only during a call"), "Write what is meant.")
            }
            Self::OtherNumber => both(
                String::from("from here on another number than was dialled would count"),
                "Give the rule its target, like `ring = { to = \"{called:1}\" }`.",
            ),
            Self::Device(device) => {
                both(format!("{device} is no telephone that a trunk leads to"), "Write number@trunk in `ring`.")
            }
            Self::NobodyToRing => {
                both(String::from("nobody is left here who could be rung"), "Write a rule with `ring`.")
            }
            Self::Sound(name) => both(
                format!("there is no prompt {name}"),
                "Name with --sound the prompt that stands for it; `einwahl prompts list` tells them, and your own recordings can take their place.",
            ),
            Self::Keys => both(
                String::from("there is no choosing by keys; it goes on as if nothing was keyed"),
                "Give each office a number of its own, or let the operator be rung.",
            ),
            Self::ByKey => both(String::from("callers got here only by a key"), "Give it a number of its own."),
            Self::NoQueue(name) => {
                both(format!("who answers in queue {name} stands in queues.conf"), "Name queues.conf with the import.")
            }
            Self::NoMembers => both(String::from("nobody answers in this queue"), "Write [queues.NAME] with agents."),
            Self::QueueSetting(name) => {
                both(format!("queues have no {name}"), "`docs/dialplan.md` tells what they have.")
            }
            Self::Times(text) => both(
                format!("{text} are no times made of hours and days of the week"),
                "Write [hours.NAME] with holidays and closing days, and `when = { open = … }`.",
            ),
            Self::Loop => both(
                String::from("from here it would go in a circle"),
                "The call ends here: let it go on somewhere else.",
            ),
            Self::NoPlace(text) => both(format!("there is no {text}"), "The call ends here, as in Asterisk."),
            Self::NotEntered(name) => {
                both(format!("no call begins in {name}"), "Name the context with --entry if one does.")
            }
            Self::CallerName => both(
                String::from("Einwahl shows nobody by another number or name"),
                "The telephone system or the trunk can.",
            ),
            Self::Pattern(text) => both(
                format!("{text} is no number and no pattern"),
                "`docs/dialplan.md` tells how patterns are written.",
            ),
            Self::Specials(name) => both(
                format!("{name} is no number in Asterisk, but a case that there is not here"),
                "Most likely nothing is missing.",
            ),
            Self::TooLong => {
                both(String::from("these are too many steps in a row"), "The call ends here: make contexts of them.")
            }
            Self::NoNumber(text) => {
                both(format!("{text:?} is no number"), "Write digits, with or without a + before them.")
            }
            Self::Again { number, line } => {
                both(format!("{number} stands in line {line} already, with another target"), "Leave one of them out.")
            }
            Self::NoName(text) => both(
                format!("{text:?} cannot stand here"),
                "Rooms, languages, telephones and addresses are written as `docs/dialplan.md` tells.",
            ),
            Self::NoTarget(number) => both(
                format!("{number} leads nowhere"),
                "Fill in a column with its target: room, ring, menu or redirect.",
            ),
            Self::Columns(names) => both(
                format!("the columns {names} mean nothing"),
                "Call them number, room, ring, menu, redirect or comment, if they are one of these.",
            ),
            Self::NoNumbers => {
                both(String::from("no column of this file has numbers"), "Write above it: number;room;comment.")
            }
        }
    }
}
