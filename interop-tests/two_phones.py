#!/usr/bin/env python3
"""Two test telephones in one room, each by another way: IPv6 and IPv4, UDP and TCP. Each must hear the other, and not itself.

Both are `einwahl phone`, which calls by real SIP and RTP on a stack of its own.
Usage: two_phones.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from gateway import configuration, serving
from phones import judge_tones, strength, write_tone

SIP_PORT = 25075
TONES = (440, 880)
SECONDS = 20
WAYS = [("[::1]:25075", "127.0.0.1:25075;transport=tcp"), ("[::1]:25075;transport=tcp", "127.0.0.1:25075")]

GATEWAY = configuration(None, media=(26000, 26099), id="123456")
GATEWAY = GATEWAY.replace("[sip]\nlisten = []", '[sip]\nlisten = ["127.0.0.1:25075", "[::1]:25075"]')
GATEWAY = GATEWAY.replace("[media]", '[media]\naddress = ["127.0.0.1", "::1"]')


def call(folder, number, way):
    command = [sys.argv[1], "phone", f"sip:einwahl@{way}", "--digits", "123456#", "--play", str(folder / f"{TONES[number]}.wav"),
               "--record", str(folder / f"heard{number}.wav"), "--seconds", str(SECONDS), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def main():
    faults = 0
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for hertz in TONES:
            write_tone(folder / f"{hertz}.wav", hertz, SECONDS + 5)
        with serving(folder, GATEWAY, SIP_PORT):
            for ways in WAYS:
                phones = [call(folder, number, way) for number, way in enumerate(ways)]
                try:
                    reports = [phone.communicate(timeout=SECONDS + 60)[0] for phone in phones]
                finally:
                    for phone in phones:
                        phone.kill()  # nothing, if it has ended
                for number, way in enumerate(ways):
                    recording = folder / f"heard{number}.wav"
                    levels = [strength(recording, hertz, 2, 2) if recording.exists() else -120.0 for hertz in TONES]
                    fine, told = judge_tones(TONES, number, levels)
                    fine = fine and phones[number].returncode == 0 and json.loads(reports[number])["received"] > 40 * SECONDS
                    faults += not fine
                    print(f"{way:30} says {TONES[number]} Hz, hears {told}  {'ok' if fine else 'WRONG ' + reports[number]}")
                    recording.unlink(missing_ok=True)
    calls = 2 * len(WAYS)
    print(f"{calls - faults} passed, {faults} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
