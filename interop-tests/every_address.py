#!/usr/bin/env python3
"""Every address to which three gateways connect or send, while they hold the meeting of the demo: none that the residency report does not permit.

Nothing is on loopback here, where everything is permitted: each town, its telephones, the name server and a browser have addresses of their
own. The kernel tells what the gateways do (strace). What each of them was seen to send to has to be in what `einwahl residency report` says
of it, or be the one browser that takes part and is answered where it is; and what was to happen has to have been seen.
Usage: every_address.py PATH_OF_EINWAHL. In a network namespace of its own; it ends by itself.
"""
import contextlib
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import pages
import towns
from demo_federation import PIN, citizens, tells, url
from phones import write_tone
from playwright.sync_api import sync_playwright
from towns import Checks, agree, in_a_network_of_its_own, three_towns

NAMES, BROWSER = "10.0.0.53", "10.9.0.2"
LOOKS = ["strace", "-D", "-f", "-qq", "-s", "0", "-e", "abbrev=none", "-e", "signal=none", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"]
PLACE = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')

MORE = """
[[processors]]
name = "Namensdienst"
purposes = ["dns"]
country = "DE"
networks = ["{names}/32"]
[[processors]]
name = "Telefonanlage"
purposes = ["trunk"]
country = "DE"
networks = ["{phones}"]
[[trunks]]
name = "rathaus"
networks = ["{phones}"]
"""


def phones_of(name):
    return f"10.{towns.TOWNS.index(name) + 1}.1.0/24"


def phone_at(town):
    return phones_of(town.name).replace(".0/24", ".7")


@contextlib.contextmanager
def own_addresses():
    """Of the towns and their telephones; and for the browser a network namespace, which is reached by a cable."""
    run = lambda *words: subprocess.run(words, check=True)
    for name in towns.TOWNS:
        towns.ADDRESSES[name] = f"10.{towns.TOWNS.index(name) + 1}.0.1"
        run("ip", "address", "add", f"{towns.ADDRESSES[name]}/32", "dev", "lo")
        run("ip", "address", "add", f"{phones_of(name).replace('.0/24', '.7')}/32", "dev", "lo")
    run("ip", "address", "add", f"{NAMES}/32", "dev", "lo")
    towns.DNS = f"{NAMES}:5353"
    other = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
    try:
        time.sleep(0.3)
        run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(other.pid))
        run("ip", "address", "add", "10.9.0.1/24", "dev", "here")
        run("ip", "link", "set", "here", "up")
        there = ["nsenter", "-t", str(other.pid), "-n"]
        for words in ("link set lo up", f"address add {BROWSER}/24 dev there", "link set there up", "route add default via 10.9.0.1"):
            run(*there, "ip", *words.split())
        yield there
    finally:
        other.terminate()
        other.wait()


def seen(file):
    """Where a gateway connected or sent to, and how often."""
    found = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if "AF_INET" not in line:
            continue
        for four, six in PLACE.findall(line):
            place = ipaddress.ip_address(four or six)
            place = getattr(place, "ipv4_mapped", None) or place
            found[place] = found.get(place, 0) + 1
    return found


def permitted(town):
    """What the report says of a gateway, from its own configuration."""
    done = subprocess.run([sys.argv[1], "residency", "report", "--format", "json", "--config", str(town.folder / "einwahl.toml")], capture_output=True, text=True)
    report = json.loads(done.stdout)
    return [ipaddress.ip_network(network) for one in report["permitted"] for network in one["networks"]], done.returncode


def judge(checks, federation):
    for town in federation.towns.values():
        sent, (networks, code) = seen(town.folder / "seen"), permitted(town)
        beyond = {str(place): times for place, times in sent.items() if not any(place in network for network in networks)}
        participants = {BROWSER} if town.name == "b" else set()
        told = ", ".join(f"{place} {times}" for place, times in sorted(sent.items(), key=str))
        checks.that(code == 0 and set(beyond) <= participants, f"{town.name} sends to nobody beyond its report: {told}" + (f"; beyond it {beyond}" if set(beyond) - participants else ""))
        wanted = {other.address for other in federation.towns.values() if other is not town} | {phone_at(town), NAMES} | participants
        checks.that(wanted <= {str(place) for place in sent}, f"and all were seen to whom {town.name} has to send: {', '.join(sorted(wanted))}")
        narrow = all(network.is_loopback or network.prefixlen >= 24 for network in networks)
        checks.that(narrow, f"the report of {town.name} permits these networks and no others: {', '.join(map(str, networks))}")


def meets(checks, folder, there):
    more = {name: MORE.format(names=NAMES, phones=phones_of(name)) for name in towns.TOWNS}
    chromium = folder / "chromium"
    chromium.write_text(f"#!/bin/sh\nexec {' '.join(there)} {pages.CHROMIUM} \"$@\"\n")
    chromium.chmod(0o700)
    pages.CHROMIUM = str(chromium)
    write_tone(folder / "tone.wav", 1760, 20)
    under = lambda town: [*LOOKS, str(town.folder / "seen")]
    with three_towns(folder, more=more, under=under) as (federation, _), citizens(federation, 120, phone_at), sync_playwright() as playwright:
        tells(federation)
        page = pages.Page(playwright, url(federation.towns["b"]), folder / "tone.wav", "Erika")
        try:
            page.joins(PIN)
            page.is_inside()
            time.sleep(12)
            agree(checks, "three who phone and one page are in the meeting", federation.towns.values(), 4)
            heard = page.records(2)
            checks.that(max(map(abs, heard), default=0) > 0.01, "the page hears them")
        finally:
            page.ends()
    judge(checks, federation)


if __name__ == "__main__":
    in_a_network_of_its_own()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, own_addresses() as there:
        meets(checks, pathlib.Path(folder), there)
    print(f"{checks.right} passed, {checks.wrong} failed")
    sys.exit(1 if checks.wrong else 0)
