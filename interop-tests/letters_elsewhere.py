#!/usr/bin/env python3
"""People type in one meeting of three towns: a page at the home town, a telephone with real-time text (liblinphone) at the second, a page at
the third. Each reads the two others within a second, also after the link to one was cut, and nothing twice.

Usage: letters_elsewhere.py PATH_OF_EINWAHL. In a network of its own; it ends by itself.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

from letters import comes, lines, shows, writes
from pages import Page
from phones import write_tone
from playwright.sync_api import sync_playwright
from text_phone import TextPhone, built, within
from towns import Checks, in_a_network_of_its_own, three_towns


def quick(checks, what, took):
    checks.that(took is not None and took < 1, what + ("" if took is None else f" ({took:.2f} s)"))


def talk(checks, when, erika, phone, max_):
    """Each types something that the others have not read yet."""
    for person, name in ((erika, "Erika"), (max_, "Max")):
        writes(person, f"{when} {name} grüßt. ✋", delay=20)
        quick(checks, f"{when}: the telephone at B reads {name}", phone.reads(f"[{name}] {when} {name} grüßt. ✋"))
        quick(checks, f"{when}: the other page does", shows(max_ if person is erika else erika, f"{when} {name} grüßt. ✋"))
        person.page.locator("#text").press("Enter")
    phone.types(f"{when} B sagg\\bt ja.\\n")
    for person, name in ((erika, "A"), (max_, "C")):
        quick(checks, f"{when}: the page at {name} reads the telephone", shows(person, f"{when} B sagt ja."))
    time.sleep(0.5)
    for person in (erika, max_):
        said = [line.partition(": ")[2] for line in lines(person)]
        checks.that(len(said) == len(set(said)), f"{when}: nothing is read twice" + ("" if len(said) == len(set(said)) else f": {said}"))
    checks.that(phone.read().count(f"{when} Max grüßt") == 1, f"{when}: nor by the telephone")


def main():
    in_a_network_of_its_own()
    checks = Checks()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        program = built(folder)
        write_tone(folder / "440.wav", 440, 10)
        people = []
        with three_towns(folder) as (federation, phones):
            a, b, c = federation.towns.values()
            try:
                for town, room, name, pin in ((a, "rat", "Erika", "081500"), (c, "rat@stadt-a.example", "Max", "4711")):
                    people.append(Page(playwright, f"https://{town.address}:8080/r/{room}", folder / "440.wav", name))
                    people[-1].joins(pin)
                    people[-1].is_inside()
                erika, max_ = people
                phone = TextPhone(program, folder / "phone", 25200, f"sip:einwahl@{b.address}:5060")
                phones.append(phone)
                checks.that(comes(phone), "a citizen who cannot hear comes into A's meeting by B's number")
                checks.that(within(5, lambda: all(person.page.locator(".people .person").count() == 3 for person in people)), "all see three")
                time.sleep(8)  # until the telephone has read how many are here
                talk(checks, "erst", erika, phone, max_)
                cut = f"add table inet cut; add chain inet cut in {{ type filter hook input priority 0; }}; add rule inet cut in ip saddr {b.address} ip daddr {a.address} drop; add rule inet cut in ip saddr {a.address} ip daddr {b.address} drop"
                subprocess.run(["nft", cut], check=True)
                time.sleep(3)
                writes(erika, "ohne B.")
                checks.that(shows(max_, "ohne B.") is not None, "while the link is cut the others go on")
                erika.page.locator("#text").press("Enter")
                subprocess.run(["nft", "delete table inet cut"], check=True)
                checks.that(within(15, lambda: len(b.roster()) == 3 == len(a.roster())), "the link is there again")
                talk(checks, "wieder", erika, phone, max_)
                checks.that("ohne B" not in phone.read(), "what could not be told is not told later")
                checks.that(not any(person.errors for person in people), "no page complains")
                told = "".join(town.log() for town in (a, b, c))
                checks.that("grüßt" not in told and "sagt ja" not in told, "no letter is in a log")
            except BaseException:
                print("".join(town.log()[-2500:] for town in (a, b, c)))
                raise
            finally:
                for person in people:
                    person.ends()
    print(f"{checks.right} passed, {checks.wrong} failed")
    return 1 if checks.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
