#!/usr/bin/env python3
"""A telephone (baresip) and two pages (Chromium) in one room of the real gateway, with a tone each.

For each codec of the telephone: each must hear the other two within 3 dB, and not itself.
Usage: two_pages_and_a_phone.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import sys
import tempfile
import time

from gateway import configuration, serving
from pages import Page
from phones import CODECS, Phone, judge_tones, level_of_tone, strength, write_tone
from playwright.sync_api import sync_playwright

SIP_PORT, WEB_PORT, MEDIA_PORT = 25070, 28443, 23478
TONES = (440, 880, 1320)

GATEWAY = configuration(SIP_PORT, media=(25500, 25599), web=WEB_PORT, browsers=MEDIA_PORT, title="Ratssitzung",
                        id="123456", pin="4711", moderator_pin="0815")


def meet(name, codec, folder, playwright):
    folder.mkdir()
    address = f"https://127.0.0.1:{WEB_PORT}/r/rat"
    for hertz in TONES[1:]:
        write_tone(folder / f"{hertz}.wav", hertz, 10)
    phone = Phone(folder, 0, TONES[0], codec)
    pages = [Page(playwright, address, folder / f"{hertz}.wav", f"Page {hertz}") for hertz in TONES[1:]]
    try:
        phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
        for page in pages:
            page.joins("4711")
            page.is_inside()
        for key in "123456#4711#":
            phone.does("sndcode", key)
        pages[0].page.locator(".person").nth(2).wait_for(timeout=20_000)
        time.sleep(8)  # until the phone has been told how many are here
        levels = [None] + [page.records(2.5) for page in pages]
        roster = pages[0].roster()
        time.sleep(3)
        phone.does("hangup")
        for page in pages:
            page.leaves()
        errors = [error for page in pages for error in page.errors]
    finally:
        phone.ends()
        for page in pages:
            page.ends()
    return judge(name, phone, levels, roster, errors)


def judge(name, phone, recorded, roster, errors):
    faults = 0
    for number, samples in enumerate(recorded):
        if number == 0:
            recording = phone.heard()
            levels = [strength(recording, hertz, 2, 2) if recording else -120.0 for hertz in TONES]
        else:
            heard = [sample * 32768 for sample in samples[-96_000:]]
            levels = [level_of_tone(heard, 48_000, hertz) for hertz in TONES]
        fine, told = judge_tones(TONES, number, levels)
        faults += not fine
        who = f"phone ({name})" if number == 0 else f"page {number}"
        print(f"{name:6} {who:14} says {TONES[number]:4} Hz, hears {told}  {'ok' if fine else 'WRONG'}", flush=True)
    for error in errors:
        print(f"{name}: a page's console says: {error}")
        faults += 1
    print(f"{name:6} roster: {roster}")
    return faults


def main():
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        with serving(folder, GATEWAY, WEB_PORT):
            faults = sum(meet(name, codec, folder / name, playwright) for name, codec in CODECS.items())
    heard = 3 * len(CODECS)
    print(f"{heard - min(faults, heard)} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
