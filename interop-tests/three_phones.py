#!/usr/bin/env python3
"""Three real telephones (baresip) dial into the real gateway, key ID and PIN, and say a tone each.

For each codec, and for a room of mixed codecs: each must hear the other two within 3 dB, and not itself.
Usage: three_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import pathlib
import sys
import tempfile
import time

from gateway import configuration, serving
from phones import CODECS, Phone, judge_tones, strength

SIP_PORT = 25060
TONES = (440, 880, 1320)
ROOMS = {name: [codec] * 3 for name, codec in CODECS.items()} | {"mixed": [CODECS[name] for name in ("PCMA", "G.722", "Opus")]}

GATEWAY = configuration(SIP_PORT, media=(26000, 26999), id="123456", pin="4711")


def meet(name, codecs, folder):
    """One room of three; the number of faults found."""
    folder.mkdir()
    phones = [Phone(folder, number, hertz, codec) for number, (hertz, codec) in enumerate(zip(TONES, codecs))]
    try:
        for phone in phones:
            phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
        time.sleep(1)
        for phone in phones:
            for key in "123456#4711#":
                phone.does("sndcode", key)
        time.sleep(18)  # until the last has been told how many are here
        for phone in phones:
            phone.does("hangup")
    finally:
        for phone in phones:
            phone.ends()
    return judge(name, codecs, phones)


def judge(name, codecs, phones):
    faults = 0
    for number, phone in enumerate(phones):
        recording = phone.heard()
        levels = [strength(recording, hertz, 2, 2) if recording else -120.0 for hertz in TONES]
        fine, told = judge_tones(TONES, number, levels)
        faults += not fine
        print(f"{name:6} phone {number} ({codecs[number]}, says {TONES[number]} Hz) hears {told}  {'ok' if fine else 'WRONG'}")
    return faults


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with serving(folder, GATEWAY, SIP_PORT):
            faults = sum(meet(name, codecs, folder / name) for name, codecs in ROOMS.items())
    phones = 3 * len(ROOMS)
    print(f"{phones - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
