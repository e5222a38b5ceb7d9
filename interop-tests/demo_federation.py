#!/usr/bin/env python3
"""Three institutions on three addresses of loopback, and one meeting of the first: a citizen phones each; you join by page or softphone.

Everything that is needed (configurations, keys, a signed registry, names) is made in a temporary folder, and gone in the end.
Usage: demo_federation.py PATH_OF_EINWAHL [--seconds N]. It ends by Ctrl-C, or after so many seconds.
"""
import argparse
import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from towns import TOWNS, three_towns

QUESTION = pathlib.Path(__file__).parent.parent / "prompts" / "sounds" / "citizen.opus"
ROOM, ID, PIN, MODERATOR = "rat@stadt-a.example", "123456", "4711", "081500"


def url(town):
    """The page of the meeting, at this town's own gateway."""
    return f"https://{town.address}:8080/r/{ROOM if town.name != 'a' else 'rat'}"


def tells(federation):
    print("\nThree towns, one meeting of the first: the council of Stadt A.\n")
    for town in federation.towns.values():
        print(f"  Stadt {town.name.upper()}   page {url(town)}\n            telephone sip:einwahl@{town.address}:5060")
    print(f"\nAt the telephone key {ID} # and then {PIN} # to take part, {MODERATOR} # to lead; on the page the PIN alone, and who leads is at Stadt A.")
    print("Each page warns of the town's own certificate. Join two towns, and hear each other across. Stop with Ctrl-C.\n", flush=True)


@contextlib.contextmanager
def citizens(federation, seconds, local=None):
    """One calls each town, as anybody does, and asks a question again and again."""
    calls = [subprocess.Popen([sys.argv[1], "phone", f"sip:einwahl@{town.address}:5060", "--digits", f"{ID}#,,{MODERATOR if town.name == 'a' else PIN}#",
                               "--from", f"+4930123456{40 + number}", "--play", str(QUESTION), "--repeat", "--seconds", str(seconds),
                               *(["--local", local(town)] if local else [])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
             for number, town in enumerate(federation.towns.values())]
    try:
        yield calls
    finally:
        for call in calls:
            call.terminate()
            call.wait(10)


def main():
    told = argparse.ArgumentParser()
    told.add_argument("einwahl")
    told.add_argument("--seconds", type=int, default=0)
    seconds = told.parse_args().seconds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        print("starting three gateways …", flush=True)
        with three_towns(pathlib.Path(folder)) as (federation, _), citizens(federation, seconds + 60 if seconds else 86_400):
            tells(federation)
            deadline = time.monotonic() + (seconds or float("inf"))
            while time.monotonic() < deadline and all(town.process.poll() is None for town in federation.towns.values()):
                time.sleep(0.2)
            in_it = {town.name: len(town.roster()) for town in federation.towns.values()}
            print("in the meeting: " + ", ".join(f"Stadt {name.upper()} sees {people}" for name, people in in_it.items()))
            if seconds:
                sys.exit(0 if all(people == len(TOWNS) for people in in_it.values()) else 1)


if __name__ == "__main__":
    main()
