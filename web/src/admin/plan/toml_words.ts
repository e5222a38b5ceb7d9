// The words of a dialplan, for those who begin to type one: where one is, and what may stand there.

export interface Known {
  label: string;
  detail: { de: string; en: string };
  /** What is put in its place, if that is more than the word. */
  apply?: string;
}

const known = (label: string, de: string, en: string, apply?: string): Known => ({ label, detail: { de, en }, ...(apply === undefined ? {} : { apply }) });

export const TABLES: Known[] = [
  known("[[rule]]", "eine Regel", "a rule", '[[rule]]\nname = ""\ncalled = ""\n'),
  known("[[example]]", "ein Beispiel, das geprüft wird", "an example that is checked", '[[example]]\ncalled = ""\nexpect = ""\n'),
  known("[variables]", "was an vielen Stellen steht", "what stands in many places"),
  known("[contexts.", "ein Kontext", "a context"),
  known("[hours.", "Öffnungszeiten", "opening hours"),
  known("[queues.", "eine Warteschlange", "a queue"),
  known("[callbacks.", "wer zurückruft", "who calls back"),
  known("[tables.", "eine Tabelle aus einer CSV-Datei", "a table of a CSV file"),
];

const RULE: Known[] = [
  known("name", "wie Protokoll und Spur sie nennen", "how log and trace call it", 'name = "'),
  known("called", "für welche gewählten Nummern", "for which numbers dialled", 'called = "'),
  known("caller", "nur von diesen Nummern", "only from these numbers", 'caller = "'),
  known("withheld", "nur ohne (true) oder mit Rufnummer", "only without (true) or with a number", "withheld = "),
  known("trunk", "nur über diesen Anschluss", "only by this trunk", 'trunk = "'),
  known("secure", "nur mit (true) oder ohne TLS", "only with (true) or without TLS", "secure = "),
  known("when", "nur zu diesen Zeiten", "only at these times", 'when = { open = "'),
  known("context", "wohin die Regel gehört", "where the rule belongs", 'context = "'),
  known("comment", "für Menschen", "for people", 'comment = "'),
  known("menu", "Menü: Konferenznummer und PIN", "menu: conference ID and PIN", 'menu = "de"'),
  known("room", "zur Tür eines Raums", "to the door of a room", 'room = "'),
  known("ring", "Telefone klingeln lassen", "ring telephones", 'ring = { to = [""], trunk = "" }'),
  known("queue", "in eine Warteschlange", "into a queue", 'queue = "'),
  known("callback", "nach einem Rückruf fragen", "ask for a callback", 'callback = "'),
  known("transfer", "annehmen und weiterverbinden", "answer and hand on", 'transfer = "'),
  known("announce", "annehmen und etwas ansagen", "answer and say something", 'announce = "'),
  known("table", "wie in einer Tabelle", "as a table says", 'table = "'),
  known("go", "weiter in einem anderen Kontext", "goes on in another context", 'go = "'),
  known("reject", "abweisen", "refuse", 'reject = "'),
  known("closed", "Ansage, dass geschlossen ist", "told that the office is closed", 'closed = "de"'),
  known("redirect", "umleiten (302)", "send elsewhere (302)", 'redirect = "sip:'),
  known("emergency", "Notruf: true oder eine SIP-Adresse", "emergency: true or a SIP address", "emergency = "),
];

const EXAMPLE: Known[] = [
  known("called", "die gewählte Nummer", "the number dialled", 'called = "'), known("from", "der Anrufer", "the caller", 'from = "'), known("trunk", "der Anschluss", "the trunk", 'trunk = "'),
  known("secure", "mit TLS", "with TLS", "secure = "), known("at", "Ortszeit", "local time", 'at = "'), known("expect", "die Regel, die ihn nimmt", "the rule that takes it", 'expect = "'),
];

const HOURS: Known[] = [
  ...["mon-fri", "mon", "tue", "wed", "thu", "fri", "sat", "sun"].map((day) => known(day, "an diesen Tagen", "on these days", `${day} = "08:00-16:00"`)),
  known("holidays", "an Feiertagen geschlossen, z. B. DE-BE", "closed on public holidays, e.g. DE-BE", 'holidays = "DE-'), known("closed", "Schließtage", "closing days", 'closed = ["'),
  known("open", "Ausnahmen", "exceptions", 'open = { "'), known("zone", "Zeitzone", "time zone", 'zone = "Europe/Berlin"'), known("comment", "für Menschen", "for people", 'comment = "'),
];

const CONTEXT: Known[] = [known("trunks", "Anschlüsse, deren Anrufe hier beginnen", "trunks whose calls begin here", 'trunks = ["'), known("include", "Kontexte, die danach versucht werden", "contexts tried afterwards", 'include = ["')];

const QUEUE: Known[] = [
  known("agents", "wer dort abnimmt", "who answers there", 'agents = ["'), known("trunk", "Anschluss, der zu ihnen führt", "the trunk that leads to them", 'trunk = "'), known("opens", "Öffnungszeiten", "opening hours", 'opens = "'), known("early", "Minuten vor der Öffnung", "minutes before it opens", "early = "),
  known("longest", "so viele warten höchstens", "so many wait at most", "longest = "), known("seconds", "so lange klingelt es", "how long an agent is rung", "seconds = "), known("otherwise", "Kontext für alle anderen", "the context for all others", 'otherwise = "'), known("language", "Sprache der Ansagen", "language of what is said", 'language = "de"'),
  known("callback", "Taste für einen Rückruf", "the key for a callback", 'callback = "1"'),
];

const CALLBACK: Known[] = [
  known("agents", "wer zurückruft", "who calls back", 'agents = ["'), known("trunk", "Anschluss, der zu ihnen führt", "the trunk that leads to them", 'trunk = "'), known("outside", "Anschluss, der nach draußen führt", "the trunk that leads outside", 'outside = "'), known("identity", "die Nummer, die gezeigt wird", "the number that is shown", 'identity = "+49 '),
  known("opens", "Öffnungszeiten", "opening hours", 'opens = "'), known("numbers", "nur diese Nummern", "only these numbers", 'numbers = ["+49 '), known("tries", "wie oft angerufen wird", "how often somebody is called", "tries = "), known("minutes", "Minuten zwischen zwei Versuchen", "minutes between two tries", "minutes = "), known("days", "nach so vielen Tagen gelöscht", "erased after so many days", "days = "),
  known("longest", "so viele Wünsche höchstens", "so many requests at most", "longest = "), known("seconds", "so lange klingelt es", "how long it rings", "seconds = "), known("say", "was zuerst gesagt wird", "what is said first", 'say = "closed"'), known("otherwise", "Kontext, wenn es zu viele sind", "the context if there are too many", 'otherwise = "'), known("language", "Sprache der Ansagen", "language of what is said", 'language = "de"'),
];

const REJECTS = ["forbidden", "not-found", "unavailable", "busy"];

/** What may stand at a place: the words of the table in which it is, or values that the plan itself names. */
export function wordsAt(before: string, all: string): Known[] {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const value = /^\s*(?:when\s*=\s*\{\s*)?([a-z_-]+)\s*=\s*\[?\s*(?:"[^"]*",\s*)*"([^"]*)$/.exec(line);
  if (value) return valuesOf(value[1] ?? "", all, line).map((name) => ({ label: name, detail: { de: "", en: "" } }));
  if (/^\s*\[/.test(line)) return TABLES;
  if (!/^\s*[a-z_-]*$/.test(line)) return [];
  const table = [...before.matchAll(/^\s*\[+([a-z]+)[.\]]/gm)].at(-1)?.[1];
  const words = { rule: RULE, example: EXAMPLE, hours: HOURS, queues: QUEUE, callbacks: CALLBACK, contexts: CONTEXT, tables: [known("file", "die CSV-Datei", "the CSV file", 'file = "')] }[table ?? ""] ?? [];
  return line.trim() === "" ? [...words, ...TABLES] : words;
}

function valuesOf(word: string, all: string, line: string): string[] {
  const named = (pattern: RegExp): string[] => [...new Set([...all.matchAll(pattern)].map((found) => found[1] ?? ""))];
  switch (word) {
    case "go": case "context": case "include": return ["main", ...named(/^\[contexts\.([^\]]+)\]/gm)];
    case "queue": return named(/^\[queues\.([^\]]+)\]/gm);
    case "callback": return named(/^\[callbacks\.([^\]]+)\]/gm);
    case "opens": return named(/^\[hours\.([^\]]+)\]/gm);
    case "otherwise": return ["main", ...named(/^\[contexts\.([^\]]+)\]/gm)];
    case "open": case "closed": return line.includes("when") ? named(/^\[hours\.([^\]]+)\]/gm) : ["de", "en"];
    case "menu": return ["de", "en"];
    case "table": return named(/^\[tables\.([^\]]+)\]/gm);
    case "expect": return named(/^\[\[rule\]\]\s*\nname\s*=\s*"([^"]+)"/gm);
    case "reject": return REJECTS;
    case "trunk": case "trunks": return named(/^\s*trunks?\s*=\s*\[?"([^"]+)"/gm);
    default: return [];
  }
}
