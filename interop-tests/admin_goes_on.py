#!/usr/bin/env python3
"""Two admins and what comes between them and the console of the real gateway, in Chromium: a second person approves a draft that was tried
with real calls, a caller is muted, the line breaks, the gateway is started anew, and a session ends that nobody used for a minute. Nothing
that somebody typed is lost, and each time a sentence says what to do.

Usage: admin_goes_on.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself; it takes two minutes.
"""
import asyncio
import contextlib
import functools
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from console import PASSWORD, Story, area, code_of, password_of, visible
from gateway import serving
from pages import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright

LINE_PORT, WEB_PORT, MEDIA_PORT, SIP_PORT = 28460, 28461, 23491, 25089
ADDRESS = f"https://127.0.0.1:{LINE_PORT}"
OVER = "Ihre Sitzung ist abgelaufen. Melden Sie sich bitte neu an. Ungespeicherte Änderungen bleiben auf dieser Seite stehen."


class Line:
    """What browsers go through to the gateway; it can be cut."""

    def __init__(self):
        self.loop, self.whole, self.open = asyncio.new_event_loop(), True, set()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self.passes, "127.0.0.1", LINE_PORT), self.loop).result()

    async def passes(self, reader, writer):
        if not self.whole:
            return writer.close()
        try:
            there, to = await asyncio.open_connection("127.0.0.1", WEB_PORT)
        except OSError:
            return writer.close()
        self.open |= {writer, to}
        await asyncio.gather(self.pumps(reader, to), self.pumps(there, writer))
        self.open -= {writer, to}

    @staticmethod
    async def pumps(reader, writer):
        with contextlib.suppress(OSError):
            while content := await reader.read(65_536):
                writer.write(content)
                await writer.drain()
        writer.close()

    def stands(self, whole):
        def change():
            self.whole = whole
            for writer in [] if whole else list(self.open):
                writer.transport.abort()
        self.loop.call_soon_threadsafe(change)


class Person:
    """Somebody with an account, an app for codes, and a page."""

    def __init__(self, story, browser, name, password):
        self.story, self.name, self.step = story, name, 0
        self.page = story.opens(browser)
        self.page.goto(f"{ADDRESS}/admin")
        visible(self.page, "Bei Einwahl anmelden")
        self.types(password)
        self.secret = story.sets_up(self.page)
        self.step = int(time.time()) // 30

    def types(self, password):
        self.page.fill("#name", self.name)
        self.page.fill("#password", password)
        self.page.keyboard.press("Enter")

    def signs_in_again(self, what):
        """Above the page, which stays as it is. A code counts once."""
        over = self.page.get_by_role("dialog", name="Bei Einwahl anmelden")
        expect(over.get_by_text(OVER)).to_be_visible(timeout=40_000)
        self.story.check(f"a sentence says that the session is over: {what}", True)
        self.story.has_no_barrier(self.page, f"signing in again: {what}")
        if self.story.screenshots:
            self.page.screenshot(path=self.story.screenshots / f"again-{what.replace(' ', '-')}-1440.png")
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        self.page.wait_for_timeout(200)
        self.story.check("which cannot be put away", over.is_visible())
        self.types(PASSWORD)
        self.page.wait_for_selector("#code", timeout=20_000)
        while int(time.time()) // 30 + 1 <= self.step:
            time.sleep(0.5)
        self.step = max(self.step + 1, int(time.time()) // 30)
        self.page.fill("#code", code_of(self.secret, self.step - int(time.time()) // 30))
        self.page.keyboard.press("Enter")
        expect(over).to_have_count(0, timeout=20_000)

    def text(self):
        return self.page.locator(".editor .cm-content").inner_text()

    def writes(self, text):
        """A line below all others."""
        self.page.locator(".editor .cm-content").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.insert_text(text)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def is_kept(self):
        expect(self.page.locator(".plan-state")).to_contain_text("Entwurf gespeichert", timeout=15_000)


def calls(number):
    """The status with which a real call is answered."""
    told = subprocess.run([sys.argv[1], "phone", f"sip:{number}@127.0.0.1:{SIP_PORT}", "--seconds", "1", "--json"],
                          capture_output=True, text=True, timeout=30, check=False)
    refused = re.search(r"refused: (\d{3})", told.stderr)
    return int(refused.group(1)) if refused else 200 if told.returncode == 0 else told.stderr


@contextlib.contextmanager
def a_phone(digits="123456#,,4711#"):
    command = [sys.argv[1], "phone", f"sip:einwahl@127.0.0.1:{SIP_PORT}", "--seconds", "90", "--digits", digits]
    phone = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield phone
    finally:
        phone.terminate()
        phone.wait(10)


HOTLINE = '\n[[rule]]\nname = "Hotline"\ncalled = "5XXX"\nreject = "{}"\n'


def second_pair_of_eyes(story, erika, otto):
    """A draft is tried with last week's calls, approved by somebody else, and published; a real call follows it."""
    story.check("before, the menu answers", [calls("5000"), calls("5001")] == [200, 200])
    time.sleep(2.5)  # a record is there two seconds after its call
    page = erika.page
    visible(page, "In Betrieb: Version")
    text = erika.text()
    page.locator(".editor .cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(HOTLINE.format("forbidden").lstrip())
    erika.is_kept()
    erika.button("Freigabe erbitten …").click()
    asked = page.get_by_role("dialog")
    asked.get_by_role("button", name="Mit den Anrufen der letzten Woche vergleichen").click()
    expect(asked.get_by_text("2 von 2 Anrufen gingen anders:")).to_be_visible(timeout=20_000)
    row = asked.locator(".rows tbody tr").all_inner_texts()
    story.check("it is told which calls would go elsewhere, in German", len(row) == 2 and all("Hotline: abgewiesen: nicht erlaubt (403)" in one for one in row), str(row))
    story.has_no_barrier(page, "replay")
    if story.screenshots:
        page.screenshot(path=story.screenshots / "replay-1440.png")
    page.fill("#publish-comment", "Hotline ist abgeschaltet")
    asked.get_by_role("button", name="Freigabe erbitten").click()
    visible(page, "wartet auf die Freigabe durch eine zweite Person")
    story.check("nothing runs before somebody agrees", calls("5000") == 200)

    there = otto.page
    area(there, "Jetzt")
    area(there, "Wählplan")
    visible(there, "erika: Hotline ist abgeschaltet")
    story.look(there, "draft that waits")
    otto.button("Ansehen und freigeben …").click()
    expect(there.locator("dialog .line.added", has_text="forbidden")).to_be_visible(timeout=10_000)
    story.has_no_barrier(there, "approval")
    if story.screenshots:
        there.screenshot(path=story.screenshots / "approval-1440.png")
    there.get_by_role("dialog").get_by_role("button", name="Freigeben").click()
    visible(there, "Der Entwurf kann jetzt veröffentlicht werden")

    area(page, "Jetzt")
    area(page, "Wählplan")
    expect(page.locator(".plan-state")).to_contain_text("Freigegeben von otto", timeout=10_000)
    erika.button("Freigegebenen Entwurf veröffentlichen").click()
    page.get_by_role("dialog").get_by_role("button", name="Jetzt veröffentlichen").click()
    visible(page, "Version 1 ist in Betrieb")
    story.check("then a real call follows it", calls("5000") == 403)
    page.get_by_role("tab", name="Versionen").click()
    visible(page, "Freigegeben von otto")
    story.check("and the versions say who agreed", "erika" in page.inner_text(".rows tbody tr.current"))
    page.get_by_role("tab", name="In Sätzen").click()
    return text


def mutes_a_caller(story, person):
    page = person.page
    area(page, "Jetzt")
    with a_phone():
        mute = page.get_by_role("button", name=re.compile("^Stumm schalten"))
        expect(mute).to_have_count(1, timeout=30_000)
        mute.click()
        expect(page.locator(".person .marks")).to_contain_text("stumm", timeout=10_000)
        unmute = page.get_by_role("button", name=re.compile("^Ton erlauben"))
        expect(unmute).to_have_count(1, timeout=10_000)
        story.check("a caller is muted from the page", True)
        story.has_no_barrier(page, "somebody is muted")
        unmute.click()
        visible(page, "Erledigt.")
        story.check("and asked to speak again: nobody's microphone is switched on from afar", "stumm" in page.inner_text(".person .marks"))
    visible(page, "Zurzeit ruft niemand an")


def follows_again(story, person, line):
    """The line breaks: the page says so, and goes on by itself."""
    page = person.page
    broken = page.get_by_text("Die Verbindung ist unterbrochen. Es wird weiter versucht.")
    line.stands(False)
    expect(broken).to_be_visible(timeout=20_000)
    story.check("a broken line is told", True)
    story.has_no_barrier(page, "broken line")
    with a_phone():
        time.sleep(4)
        line.stands(True)
        expect(broken).to_have_count(0, timeout=40_000)
        expect(page.locator(".rows tbody tr")).to_have_count(1, timeout=20_000)
        story.check("when it stands again, the page shows who has called meanwhile", True)
    visible(page, "Zurzeit ruft niemand an")
    story.check("and goes on following", True)


def starts_anew(story, erika, otto, restarts):
    """A restart ends sessions: who writes loses no word, and who follows what is under way is told, too."""
    page = erika.page
    area(page, "Wählplan")
    visible(page, "In Betrieb: Version")
    erika.writes("\n# Zeile vor dem Neustart")
    erika.is_kept()
    restarts()
    erika.writes(" und danach")
    otto.signs_in_again("what was followed")
    with a_phone():
        expect(otto.page.locator(".rows tbody tr")).to_have_count(1, timeout=30_000)
        story.check("what is under way is followed again", True)
    erika.signs_in_again("what was written")
    erika.is_kept()
    story.check("no word is lost", "# Zeile vor dem Neustart und danach" in erika.text(), erika.text()[-120:])
    page.reload()
    visible(page, "In Betrieb: Version")
    expect(page.locator(".editor .cm-content")).to_contain_text("Neustart und danach", timeout=10_000)
    story.check("and the gateway has kept it", True)


def nobody_used_it(story, erika):
    """A minute passes over an open dialog: what was typed there is still there when one has signed in again."""
    page = erika.page
    area(page, "Konferenzen")
    visible(page, "Ratssitzung")
    erika.button("Neue Konferenz").click()
    page.fill("#meeting-title", "Bauausschuss")
    time.sleep(64)
    create = page.get_by_role("dialog", name="Neue Konferenz").get_by_role("button", name="Anlegen")
    create.click()
    erika.signs_in_again("a dialog")
    story.check("what was typed into a dialog is still there", page.input_value("#meeting-title") == "Bauausschuss")
    create.click()
    visible(page, "Text der Einladung")
    story.check("and is sent when one presses again", True)


def prepared(folder):
    def run(*arguments):
        return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=True).stdout

    made = [run("account", "add", name, "--role", "administrator", "--folder", str(folder / "kept")) for name in ("erika", "otto")]
    text = "\n".join([
        "[sip]", f'listen = ["127.0.0.1:{SIP_PORT}"]', "[web]", f'listen = ["127.0.0.1:{WEB_PORT}"]', "[browsers]",
        f'listen = ["127.0.0.1:{MEDIA_PORT}"]', "[dialplan]", 'area = "30"', "approval = true", "[accounts]", "idle_minutes = 1",
        "[[meetings]]", 'room = "rat"', 'title = "Ratssitzung"', 'id = "123456"', 'pin = "4711"', "[store]", f'folder = "{folder}/kept"', ""])
    return text, [password_of(one) for one in made]


def play(story, playwright, serves, passwords):
    line = Line()
    with contextlib.ExitStack() as up:
        up.enter_context(serves())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        erika, otto = (Person(story, browser, name, password) for name, password in zip(("erika", "otto"), passwords))

        def restarts():
            up.pop_all().close()
            up.enter_context(serves())

        second_pair_of_eyes(story, erika, otto)
        mutes_a_caller(story, otto)
        follows_again(story, otto, line)
        starts_anew(story, erika, otto, restarts)
        nobody_used_it(story, erika)
        browser.close()


def main():
    story = Story(ADDRESS)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        text, passwords = prepared(folder)
        play(story, playwright, functools.partial(serving, folder, text, WEB_PORT), passwords)
    # A line that is broken is an error to the browser, too.
    story.errors = [error for error in story.errors if "net::ERR_" not in error]
    return story.ends({f"127.0.0.1:{LINE_PORT}"})


if __name__ == "__main__":
    sys.exit(main())
