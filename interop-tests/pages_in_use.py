#!/usr/bin/env python3
"""People use the pages of the real gateway in Chromium: wrong PIN, waiting room, moderation, broken connections, the end.

Each view is checked with axe-core in German and in English, at the width of a phone and of a desk; nothing may be asked of
another host, and no page may complain on its console.
Usage: pages_in_use.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself.
"""
import pathlib
import sys
import tempfile
import time

from gateway import configuration, serving
from pages import HANDLES, Findings, Page
from phones import level_of_tone, write_tone
from playwright.sync_api import expect, sync_playwright

WEB_PORT, MEDIA_PORT, SIP_PORT = 28444, 23479, 25071
AXE = (pathlib.Path(__file__).parent.parent / "web/node_modules/axe-core/axe.min.js").read_text()
ADDRESS = f"https://127.0.0.1:{WEB_PORT}/r/rat"

GATEWAY = configuration(SIP_PORT, web=WEB_PORT, browsers=MEDIA_PORT, title="Ratssitzung der Stadt Beispielhausen",
                        id="123456", pin="4711", moderator_pin="0815", lobby=True)


class Story(Findings):
    def look(self, person, view):
        """The view in both languages, at both widths."""
        for language in ("de", "en"):
            person.page.click(f".language[lang={language}]")
            self.has_no_barrier(person, f"{view} ({language})")
            for width, height in ((390, 844), (1280, 800)):
                person.page.set_viewport_size({"width": width, "height": height})
                wider = person.page.evaluate("document.documentElement.scrollWidth > innerWidth")
                self.check(f"{view} ({language}) fits {width} pixels", not wider)
                if self.screenshots:
                    person.page.screenshot(path=self.screenshots / f"{view.replace(' ', '-')}-{language}-{width}.png")
        person.page.click(".language[lang=de]")

    def has_no_barrier(self, person, view):
        person.page.evaluate(AXE)
        found = person.page.evaluate("async () => (await axe.run()).violations.map((v) => v.id + ': ' + v.nodes[0].html)")
        self.check(f"axe-core finds nothing in: {view}", not found, str(found) if found else "")

    def look_at_question(self, person):
        self.has_no_barrier(person, "question")
        if self.screenshots:
            person.page.screenshot(path=self.screenshots / "question.png")

    def both_hear(self, mayor, citizen, what):
        levels = self.hears(mayor, 1320), self.hears(citizen, 880)
        self.check(what, all(abs(level) < 3 for level in levels), f"({levels[0]:.1f} and {levels[1]:.1f} dB)")

    def hears(self, person, hertz):
        """In dB of what was said."""
        return level_of_tone([sample * 32768 for sample in person.records(2)[-80_000:]], 48_000, hertz)


def visible(person, text):
    expect(person.page.get_by_text(text, exact=False).first).to_be_visible(timeout=8_000)


def play(story, playwright, folder):
    write_tone(folder / "880.wav", 880, 10)
    write_tone(folder / "1320.wav", 1320, 10)
    people = []

    def arrives(name, tone):
        person = Page(playwright, ADDRESS, folder / f"{tone}.wav", name, before=HANDLES)
        people.append(person)
        return person

    mayor = arrives("Erika Mustermann", 880)
    story.look(mayor, "in front of the door")
    mayor.joins("9999")
    visible(mayor, "Diese Konferenz gibt es nicht")
    story.look(mayor, "wrong PIN")
    mayor.page.fill("#pin", "0815")
    mayor.page.click("button[type=submit]")
    mayor.is_inside()

    citizen = arrives("Hans Beispiel", 1320)
    citizen.joins("4711")
    visible(citizen, "Bitte warten Sie")
    story.look(citizen, "waiting room")
    story.check("who waits hears nothing of the room", story.hears(citizen, 880) < -60)
    visible(mayor, "Warteraum")
    story.look(mayor, "somebody waits")
    mayor.page.get_by_role("button", name="Einlassen: Hans Beispiel").click()
    citizen.is_inside()
    time.sleep(1)
    story.check("who is admitted hears the room", abs(story.hears(citizen, 880)) < 3)
    story.check("the roster names both", len(citizen.roster()) == 2, str(citizen.roster()))
    story.look(mayor, "meeting of a moderator")
    story.look(citizen, "meeting of a participant")

    mayor.page.get_by_role("button", name="Stumm schalten: Hans Beispiel").click()
    visible(citizen, "Die Leitung hat Sie stumm geschaltet")
    time.sleep(1.5)
    story.check("whom a moderator muted is not heard", story.hears(mayor, 1320) < -50)
    citizen.page.keyboard.press("h")
    mayor.page.get_by_role("button", name="Wort erteilen: Hans Beispiel").click()
    visible(citizen, "Sie haben das Wort")
    time.sleep(1.5)
    story.check("who got the floor is heard", abs(story.hears(mayor, 1320)) < 3)
    citizen.page.keyboard.press("m")
    visible(citizen, "Sie sind stumm")
    time.sleep(1.5)
    story.check("who muted themselves by keyboard is not heard", story.hears(mayor, 1320) < -50)
    citizen.page.keyboard.press("m")

    citizen.page.evaluate("cut.sockets.at(-1).close()")
    time.sleep(2)
    story.check("a broken WebSocket comes back by itself", citizen.page.evaluate("cut.sockets.at(-1).readyState") == 1)
    story.check("and the place in the roster is kept", len(mayor.roster()) == 2 and not any("(2)" in row for row in mayor.roster()))
    story.both_hear(mayor, citizen, "and sound goes on")
    citizen.page.evaluate("cut.peers.at(-1).close(); cut.sockets.at(-1).close()")
    time.sleep(2.5)
    story.both_hear(mayor, citizen, "when all connections broke, sound comes back")
    citizen.page.evaluate("cut.peers.at(-1).onconnectionstatechange = null")
    before = citizen.page.evaluate("cut.peers.at(-1).remoteDescription.sdp.match(/ice-ufrag:(.*)/)[1]")
    citizen.page.evaluate("""async () => {
        const peer = cut.peers.at(-1);
        await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
        cut.sockets.at(-1).send(JSON.stringify({ type: "offer", sdp: peer.localDescription.sdp }));
    }""")
    time.sleep(2)
    after = citizen.page.evaluate("cut.peers.at(-1).remoteDescription.sdp.match(/ice-ufrag:(.*)/)[1]")
    story.check("an ICE restart is answered anew", before != after)
    story.both_hear(mayor, citizen, "and sound goes on")

    third = arrives("Spät Gekommen", 1320)
    mayor.page.get_by_role("button", name="Abschließen").click()
    third.joins("4711")
    visible(third, "geschlossen")
    mayor.page.get_by_role("button", name="Aufschließen").click()
    hears_within(story, third, mayor)

    mayor.page.get_by_role("button", name="Entfernen: Spät Gekommen").click()
    story.look_at_question(mayor)
    mayor.page.get_by_role("dialog").get_by_role("button", name="Entfernen").click()
    visible(third, "Die Leitung hat Sie aus der Konferenz entfernt")
    mayor.page.get_by_role("button", name="Für alle beenden").click()
    mayor.page.get_by_role("dialog").get_by_role("button", name="Beenden").click()
    visible(citizen, "Die Konferenz ist beendet")
    story.look(citizen, "after the end")
    visible(mayor, "Die Konferenz ist beendet")
    story.check("no other host is asked", all(person.hosts == {f"127.0.0.1:{WEB_PORT}"} for person in people))
    complaints = [line for person in people for line in person.errors]
    story.check("no page complains", not complaints, str(complaints) if complaints else "")
    for person in people:
        person.ends()


def hears_within(story, person, mayor):
    """From loading the page to the first sound of the room, without the time that a person needs to type."""
    load = person.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    person.page.evaluate("""() => {
        window.heardAt = undefined;
        new MutationObserver(() => {
            for (const player of document.querySelectorAll("audio")) {
                if (player.watched) continue;
                player.watched = true;
                const context = new AudioContext();
                const analyser = new AnalyserNode(context);
                context.createMediaStreamSource(player.srcObject).connect(analyser);
                const samples = new Float32Array(analyser.fftSize);
                const timer = setInterval(() => {
                    analyser.getFloatTimeDomainData(samples);
                    if (samples.some((sample) => Math.abs(sample) > 0.05)) { window.heardAt ??= performance.now(); clearInterval(timer); }
                }, 5);
            }
        }).observe(document.body, { childList: true, subtree: true });
        document.querySelector("form").addEventListener("submit", () => { window.joinedAt = performance.now(); });
    }""")
    person.page.fill("#pin", "4711")
    person.page.click("button[type=submit]")
    mayor.page.get_by_role("button", name="Einlassen: Spät Gekommen").click()
    admitted = person.page.evaluate("performance.now()")
    person.is_inside()
    time.sleep(2)
    joined, heard = person.page.evaluate("[window.joinedAt, window.heardAt ?? 1e9]")
    total = load + heard - joined - max(0, admitted - joined)
    told = f"{load:.0f} ms to load, {heard - joined:.0f} ms from the click to the first sound, waiting for admission included"
    story.check("loading the page and hearing the room take 1.5 s at most", total <= 1_500, told)


def main():
    story = Story()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        with serving(folder, GATEWAY, WEB_PORT):
            play(story, playwright, folder)
    print(f"{story.passed} passed, {len(story.faults)} failed")
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())
