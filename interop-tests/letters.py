#!/usr/bin/env python3
"""People type in a meeting of the real gateway: telephones with real-time text (liblinphone, RFC 4103) and pages (Chromium).

Who cannot hear reads the menu and types the numbers; what is typed is read within a second, with whose it is; nothing is missing on a line that
loses every twentieth packet of text; the lobby reads and writes nothing; no letter is in a log or a file.
Usage: letters.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself. As root in a network of its own
the line loses packets; elsewhere that part is left out, and said.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

from gateway import configuration, serving
from pages import Findings, Page
from phones import write_tone
from playwright.sync_api import sync_playwright
from text_phone import TextPhone, built, within

SIP_PORT, WEB_PORT, MEDIA_PORT = 25072, 28445, 23480
PHONES = (25200, 25210)
AXE = (pathlib.Path(__file__).parent.parent / "web/node_modules/axe-core/axe.min.js").read_text()
ADDRESS = f"https://127.0.0.1:{WEB_PORT}/r/rat"
LONG = "Der Rat berät heute über die Bäume am Marktplatz, über Öffnungszeiten und über das Straßenfest. Wer möchte etwas sagen? "
# Text comes to and from the ports that liblinphone was given for it.
LOSSY = """
table inet lossy {
  chain in { type filter hook input priority 0;
    udp sport { %(ports)s } numgen inc mod 20 < 1 counter drop
    udp dport { %(ports)s } numgen inc mod 20 < 1 counter drop
  }
}
"""


def meeting(lobby):
    return configuration(SIP_PORT, media=(25700, 25799), web=WEB_PORT, browsers=MEDIA_PORT, title="Ratssitzung", id="123456", pin="4711",
                         moderator_pin="0815", lobby=lobby)


def lines(person):
    """What the page shows, each line with its name."""
    rows = person.page.locator(".text .line")
    return [": ".join(rows.nth(at).locator("span").all_inner_texts()) for at in range(rows.count())]


def shows(person, text, seconds=5):
    """In how many seconds the page shows it."""
    return within(seconds, lambda: person.page.evaluate("(text) => [...document.querySelectorAll('.text .said')].some((one) => one.textContent.includes(text))", text))


def writes(person, text, delay=0):
    person.page.locator("#text").press_sequentially(text, delay=delay)


def comes(phone, pin="4711", *, inside=True):
    """By typing what others key."""
    phone.is_up() or sys.exit("the call is not up")
    greeted = phone.reads("Nummer der Konferenz ein")
    phone.types("123456\\n")
    asked = phone.reads("PIN ein")
    phone.types(f"{pin}#")
    return greeted and asked and phone.reads("Sie sind jetzt in der Konferenz" if inside else "", 15)


def soon(took):
    return took is not None and took < 1


def told(took):
    return "" if took is None else f"({took:.2f} s)"


def quick(findings, what, took):
    findings.check(what, soon(took), told(took))


def leads(playwright, folder, people):
    """The one who leads the meeting, by page."""
    erika = Page(playwright, ADDRESS, folder / "880.wav", "Erika")
    people.append(erika)
    erika.joins("0815")
    erika.is_inside()
    return erika


def play(findings, folder, program, playwright, people, phones):
    erika = leads(playwright, folder, people)
    first = TextPhone(program, folder / "first", PHONES[0], f"sip:einwahl@127.0.0.1:{SIP_PORT}")
    phones.append(first)
    findings.check("who cannot hear reads the menu, and types the numbers", comes(first))
    time.sleep(8)  # until it has read how many are here

    first.types("Grüße aus Köln 🙂")
    quick(findings, "a page reads a telephone's letters", shows(erika, "Grüße aus Köln 🙂"))
    writes(erika, "Hallo Köln ✋", delay=30)
    quick(findings, "a telephone reads a page's letters, behind the name", first.reads("[Erika] Hallo Köln ✋"))
    first.types("\\nHauz\\bs")
    quick(findings, "what a telephone takes back is gone on the page", shows(erika, "Haus"))
    findings.check("and it has a line for each line", [line for line in lines(erika) if "Haus" in line] == ["Telefon: Haus"], str(lines(erika)))
    for _ in range(3):
        erika.page.locator("#text").press("Backspace")
    writes(erika, "n!")
    quick(findings, "what a page takes back is gone on the telephone", first.reads("Hallo Köln!"))
    erika.page.locator("#text").press("Enter")
    look(findings, erika)

    second = TextPhone(program, folder / "second", PHONES[1], f"sip:einwahl@127.0.0.1:{SIP_PORT}")
    phones.append(second)
    second.is_up()
    second.reads("Willkommen")
    second.types("123456#")
    took = second.reads("PIN ein")
    findings.check("who does not read the menu to its end types at once, and it goes on", took is not None and took < 5 and "Raute-Taste. |Bitte" not in second.read(), second.read())
    second.types("4711#")
    findings.check("a second telephone comes in the same way", second.reads("Sie sind jetzt in der Konferenz", 15) is not None)
    time.sleep(8)
    findings.check("it reads nothing of what was typed before", "Köln" not in second.read(), second.read())
    second.types("Ich auch.")
    quick(findings, "a telephone reads another, with its name", first.reads("[Telefon (2)] Ich auch."))
    first.types("Und ich.")
    quick(findings, "and the other way round, when the sentence is over", second.reads("[Telefon] Und ich."))
    findings.check("nobody reads themselves", "Und ich" not in first.read() and "Ich auch" not in second.read())
    second.does("end")
    findings.check("who hangs up is gone", within(5, lambda: erika.page.locator(".people .person").count() == 2))

    if drops(findings):
        first.types(LONG, 15)
        took = shows(erika, LONG.strip(), 4)
        findings.check("with 5 % loss a page reads every letter of a telephone", took is not None, told(took))
        writes(erika, LONG, delay=60)
        took = first.reads(LONG.strip(), 4)
        findings.check("with 5 % loss a telephone reads every letter of a page", took is not None, told(took))
        findings.check("and nothing is marked as lost", "\ufffd" not in first.read() and "[…]" not in "".join(lines(erika)))
        lost = subprocess.run(["nft", "list", "table", "inet", "lossy"], capture_output=True, text=True).stdout
        counted = sum(int(word) for before, word in zip(lost.split(), lost.split()[1:]) if before == "packets")
        findings.check("packets were lost indeed", counted >= 3, f"({counted})")
        subprocess.run(["nft", "delete", "table", "inet", "lossy"], check=True)

    erika.page.locator("#text").press("Enter")
    first.does("drop")
    findings.check("text ends by another offer", within(5, lambda: first.states[-1] == "LinphoneCallStreamsRunning" and "LinphoneCallUpdating" in first.states))
    time.sleep(0.5)
    writes(erika, "unread")
    time.sleep(1.5)
    first.does("take")
    time.sleep(2)
    writes(erika, " wieder da")
    quick(findings, "text begins again by another", first.reads("wieder da"))
    findings.check("what was typed meanwhile is not told later", "unread" not in first.read())
    first.types("\\nich bin zurück")
    quick(findings, "both ways", shows(erika, "ich bin zurück"))


def look(findings, person):
    """As people and as machines look at it."""
    for language in ("de", "en"):
        person.page.click(f".language[lang={language}]")
        person.page.evaluate(AXE)
        found = person.page.evaluate("async () => (await axe.run()).violations.map((v) => v.id + ': ' + v.nodes[0].html)")
        findings.check(f"axe-core finds nothing in what is typed ({language})", not found, str(found) if found else "")
        for width, height in ((390, 844), (1440, 900)):
            person.page.set_viewport_size({"width": width, "height": height})
            findings.check(f"it fits {width} pixels ({language})", not person.page.evaluate("document.documentElement.scrollWidth > innerWidth"))
            if findings.screenshots:
                person.page.screenshot(path=findings.screenshots / f"text-{language}-{width}.png", full_page=True)
    person.page.click(".language[lang=de]")
    findings.check("what was typed outlives the choice of a language", any("Haus" in line for line in lines(person)))


def drops(findings):
    ports = ", ".join(str(port + 200) for port in PHONES)
    done = subprocess.run(["nft", "-f", "-"], input=LOSSY % {"ports": ports}, text=True, capture_output=True)
    if done.returncode != 0:
        print(f"the line loses nothing here, that part is left out: {done.stderr.strip()}")
    return done.returncode == 0


def wait_in_the_lobby(findings, folder, program, playwright, people, phones):
    erika = leads(playwright, folder, people)
    phone = TextPhone(program, folder / "waits", PHONES[0], f"sip:einwahl@127.0.0.1:{SIP_PORT}")
    phones.append(phone)
    comes(phone, inside=False)
    findings.check("who waits is shown", within(10, lambda: erika.page.get_by_role("button", name="Einlassen: Telefon").count() == 1))
    phone.types("darf ich rein")
    writes(erika, "vertraulich")
    erika.page.locator("#text").press("Enter")
    time.sleep(2)
    findings.check("who waits is not read", not any("rein" in line for line in lines(erika)), str(lines(erika)))
    findings.check("and reads nothing", "vertraulich" not in phone.read(), phone.read())
    erika.page.get_by_role("button", name="Einlassen: Telefon").click()
    time.sleep(8)
    phone.types("danke")
    quick(findings, "once admitted they are read", shows(erika, "danke"))
    findings.check("and read nothing of before", "vertraulich" not in phone.read(), phone.read())


def main():
    findings = Findings()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        program = built(folder)
        write_tone(folder / "880.wav", 880, 10)
        for story, lobby in ((play, False), (wait_in_the_lobby, True)):
            people, phones = [], []
            below = folder / story.__name__
            below.mkdir()
            (below / "880.wav").symlink_to(folder / "880.wav")
            with open(below / "log", "w", encoding="utf-8") as log, serving(below, meeting(lobby), WEB_PORT, stdout=log, stderr=log):
                try:
                    story(findings, below, program, playwright, people, phones)
                    findings.check("no page complains", not any(person.errors for person in people), str([person.errors for person in people]))
                finally:
                    for one in [*phones, *people]:
                        one.ends()
            words = ("Köln", "Haus", "Marktplatz", "vertraulich", "danke", "4711")
            told = b"".join(file.read_bytes() for file in [below / "log", *(one for one in (below / "kept").rglob("*") if one.is_file())])
            findings.check("no letter is in the log or in what is kept", not any(word.encode() in told for word in words))
            if findings.faults:
                print((below / "log").read_text(encoding="utf-8")[-3000:])
    print(f"{findings.passed} passed, {len(findings.faults)} failed")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
