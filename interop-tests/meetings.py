#!/usr/bin/env python3
"""Meetings made by API, lived through by real clients: a page waits for the opening and gets in by itself, a telephone waits
with music and then hears the end; all of it again after a restart of the gateway in between.

Usage: meetings.py PATH_OF_EINWAHL [FOLDER_FOR_SCREENSHOTS]. Everything runs on loopback and ends by itself.
"""
import datetime
import json
import pathlib
import secrets
import hashlib
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from gateway import configuration, serving
from pages import Page
from pages_in_use import Story, visible
from phones import recorded, write_tone
from playwright.sync_api import sync_playwright

WEB_PORT, MEDIA_PORT, SIP_PORT = 28446, 23481, 25073
TOKEN = f"ew_{secrets.token_hex(32)}"


def text():
    config = configuration(SIP_PORT, media=(26500, 26599), web=WEB_PORT, browsers=MEDIA_PORT, title="Rat", id="123456", pin="4711")
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return config + f'[[api.tokens]]\nname = "test"\nhash = "sha256:{digest}"\nrights = ["read", "pins", "write"]\n'


def ask(method, path, body=None):
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"https://127.0.0.1:{WEB_PORT}/api/v1/meetings{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=trusting, timeout=20) as answer:
        content = answer.read()
        return json.loads(content) if content else None


def at(seconds):
    """The moment so many seconds from now."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def calls(folder, name, digits, seconds):
    wav = folder / f"{name}.wav"
    command = [sys.argv[1], "phone", f"sip:einwahl@127.0.0.1:{SIP_PORT}", "--digits", digits, "--seconds", str(seconds),
               "--record", str(wav), "--codec", "pcma", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True), wav


def loudness(wav, begin, end):
    """The share of tenths of a second in which something is heard."""
    samples, rate = recorded(wav)
    part = samples[int(begin * rate):int(end * rate)]
    step = rate // 10
    pieces = [part[at:at + step] for at in range(0, len(part) - step + 1, step)]
    return sum(max(map(abs, piece)) > 300 for piece in pieces) / max(1, len(pieces))


def play(story, playwright, folder):
    write_tone(folder / "880.wav", 880, 10)
    with serving(folder, text(), WEB_PORT):
        made = ask("POST", "", {"title": "Bauausschuss", "opensAt": at(3600), "endsAt": at(7200)})
    with serving(folder, text(), WEB_PORT):
        room = made["room"]
        story.check("a meeting is there after a restart, with its PINs", ask("GET", f"/{room}") == made)
        page = Page(playwright, f"https://127.0.0.1:{WEB_PORT}/r/{room}", folder / "880.wav", "Erika Mustermann")
        page.joins(made["pin"])
        visible(page, "Die Konferenz hat noch nicht begonnen.")
        visible(page, "Beginn")
        visible(page, "Sie warten seit")
        story.look(page, "before the opening")
        begins = page.page.locator("dd").first.inner_text()
        ask("PATCH", f"/{room}", {"opensAt": at(1800), "lobby": False})
        page.page.wait_for_function("(old) => document.querySelector('dd').innerText !== old", arg=begins, timeout=5_000)
        story.check("a page that waits shows a new time", True)

        phone, wav = calls(folder, "early", f"{made['id']}#,,{made['pin']}#", 26)
        time.sleep(18)
        ask("PATCH", f"/{room}", {"opensAt": at(1)})
        page.is_inside()
        story.check("who waited is in at the opening", True)
        phone.wait(40)
        music = loudness(wav, 13, 17)
        story.check("a caller hears music until then", music > 0.8, f"({music:.2f} of the time)")

        ask("PATCH", f"/{room}", {"endsAt": at(2)})
        visible(page, "Die Konferenz ist beendet")
        late, _ = calls(folder, "late", f"{made['id']}#,,{made['pin']}#", 30)
        told, _ = late.communicate(timeout=60)
        talked = json.loads(told)["talkedMs"]
        story.check("after the end a caller with the PIN is told so, and hung up", talked < 20_000, f"(after {talked} ms)")

        page.page.get_by_role("button", name="Erneut teilnehmen").click()
        page.joins(made["pin"])
        visible(page, "Die Konferenz ist beendet")
        complaints = page.errors
        story.check("no page complains", not complaints, str(complaints) if complaints else "")
        page.ends()
        ask("DELETE", f"/{room}")
        story.check("a deleted meeting is gone", all(one["room"] != room for one in ask("GET", "")["meetings"]))


def main():
    story = Story()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        play(story, playwright, pathlib.Path(place))
    print(f"{story.passed} passed, {len(story.faults)} failed")
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())
