#!/usr/bin/env python3
"""Speech through the real gateway, scored with PESQ (ITU-T P.862) against what was said.

A telephone (baresip) says a sentence to a page (Chromium), and a page to a telephone, for each codec of the telephone; and
over a line that loses 5 % of all packets and delays each by 0 to 30 ms.
Usage: speech.py PATH_OF_EINWAHL [CODEC...]. Everything runs on loopback and ends by itself.
"""
import pathlib
import sys
import tempfile
import time
import warnings

import numpy
import soundfile
from gateway import configuration, serving
from lossy_line import LossyLine
from pages import Page
from pesq import pesq
from phones import CODECS, Phone
from playwright.sync_api import sync_playwright
from scipy.signal import correlate, resample_poly

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it left the standard library with Python 3.13, for audioop-lts
    import audioop

SIP_PORT, WEB_PORT, MEDIA_PORT, LINE_PORT = 25072, 28445, 23480, 25082
PHONE_MEDIA, GATEWAY_MEDIA = 24500, 25400
SPEECH = pathlib.Path(__file__).parent.parent / "prompts/sounds/citizen.opus"
PAUSE = 1.0
# How often the sentence is said while it is recorded.
REPEATS = 4

GATEWAY = configuration(SIP_PORT, media=(GATEWAY_MEDIA, GATEWAY_MEDIA + 1), web=WEB_PORT, browsers=MEDIA_PORT,
                        id="123456", pin="4711")


def speech():
    """What is said, at 48 kHz."""
    samples, rate = soundfile.read(SPEECH)
    return resample_poly(samples, 48_000, rate) if rate != 48_000 else samples


def write(path, samples, repeats, rate=48_000):
    silence = numpy.zeros(int(PAUSE * rate))
    samples = resample_poly(samples, rate, 48_000)
    soundfile.write(path, numpy.concatenate([part for _ in range(repeats) for part in (samples, silence)]), rate, "PCM_16")


def through_a_law(samples):
    """What a bare A-law codec (ITU-T G.711) leaves of it."""
    linear = (numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    return numpy.frombuffer(audioop.alaw2lin(audioop.lin2alaw(linear, 2), 2), "<i2") / 32768


def score(said, heard, rate, mode):
    """Of each time that the sentence is heard whole, the best: a busy machine stutters now and then."""
    return max(scores(said, heard, rate, mode), default=1.0)


def scores(said, heard, rate, mode, repeats=REPEATS):
    """Of each time that the sentence is heard whole; at most so often."""
    said, heard = resample_poly(said, rate, 48_000), resample_poly(heard[1], rate, heard[0])
    if len(heard) < len(said):
        return []
    likeness = numpy.abs(correlate(heard, said, "valid", "fft"))
    found = []
    for _ in range(repeats):
        at = int(numpy.argmax(likeness))
        if likeness[at] <= 0:
            break
        found.append(pesq(rate, said, heard[at:at + len(said)], mode))
        likeness[max(0, at - len(said) // 2):at + len(said) // 2] = 0
    return found


def talk(codec, folder, playwright, line):
    """What the page and the phone heard of each other: the phone speaks first, then the page."""
    folder.mkdir()
    said = speech()
    # At the codec's own rate: the telephone's resampling is not what is scored.
    write(folder / "phone.wav", said, 20, int(codec.split("/")[1]))
    write(folder / "page.wav", said, 1)
    phone = Phone(folder, 0, folder / "phone.wav", codec, ports=1)
    page = Page(playwright, f"https://127.0.0.1:{WEB_PORT}/r/rat", folder / "page.wav", "Erika")
    try:
        phone.does("dial", f"sip:einwahl@127.0.0.1:{LINE_PORT if line else SIP_PORT}")
        page.joins("4711")
        page.is_inside()
        for key in "123456#4711#":
            phone.does("sndcode", key)
        page.page.locator(".person").nth(1).wait_for(timeout=20_000)
        page.page.keyboard.press("m")
        time.sleep(7)
        seconds = len(said) / 48_000
        by_page = page.records(int(REPEATS * (seconds + PAUSE) + 3))
        page.page.keyboard.press("m")
        time.sleep(REPEATS * (seconds + PAUSE) + 2)
        phone.does("hangup")
        page.leaves()
    finally:
        phone.ends()
        page.ends()
    recording = phone.heard()
    samples, rate = soundfile.read(recording, always_2d=True) if recording else (numpy.zeros((1, 1)), 8_000)
    last = samples[-int((REPEATS * (seconds + PAUSE) + 2) * rate):, 0]
    return (48_000, numpy.array(by_page)), (rate, last)


def main():
    faults = 0
    wanted = {name: codec for name, codec in CODECS.items() if name in (sys.argv[2:] or CODECS)}
    said = speech()
    narrow = resample_poly(said, 8_000, 48_000)
    bare = pesq(8_000, narrow, through_a_law(narrow), "nb")
    print(f"the bare A-law codec scores {bare:.2f} (narrow-band) on this sentence")
    print(f"{'codec':6} {'line':24} {'phone to page':>14} {'page to phone':>14}  at least")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        with serving(folder, GATEWAY, WEB_PORT):
            for lossy in (False, True):
                for name, codec in wanted.items():
                    line = LossyLine(LINE_PORT, SIP_PORT, GATEWAY_MEDIA, PHONE_MEDIA, 0.05, 0.03, 7) if lossy else None
                    by_page, by_phone = talk(codec, folder / f"{name}-{lossy}", playwright, line)
                    rate, mode = (8_000, "nb") if name.startswith("PCM") else (16_000, "wb")
                    scores = score(said, by_page, rate, mode), score(said, by_phone, rate, mode)
                    told = "clean"
                    if line:
                        told = f"{100 * line.lost / max(1, line.carried):.1f} % lost, 0..30 ms"
                        line.ends()
                    least = 3.0 if lossy else bare - 0.2 if mode == "nb" else 3.8
                    # What the telephone makes of a bad line is the telephone's matter.
                    fine = scores[0] >= least and (lossy or scores[1] >= least)
                    faults += not fine
                    print(f"{name:6} {told:24} {scores[0]:14.2f} {scores[1]:14.2f}  {least:.2f}  {'ok' if fine else 'WRONG'}", flush=True)
    print(f"{2 * len(wanted) - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
