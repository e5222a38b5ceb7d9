#!/usr/bin/env python3
"""Trunks of a running gateway (Kamailio, DNS by dnsmasq): registration over UDP, TCP and TLS, by name with a first server that is
dead, with a wrong password, and one where nobody listens (digest with SHA-256, RFC 8760); what the API says of them; calls that go out over them; and that the
registrar is told when the gateway goes.

Usage: trunk_keeping.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import hashlib
import json
import pathlib
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from gateway import serving
from trunk_town import DNS, USER, town

OURS = "127.0.0.10"
API = f"https://{OURS}:8443/api/v1/trunks"

TRUNKS = {
    "udp": ("sip:127.0.0.20:5060", ["127.0.0.20"], {}),
    "tcp": ("sip:127.0.0.22:5060;transport=tcp", ["127.0.0.22"], {}),
    "tls": ("sip:tls.stadt.example:5061;transport=tls", ["127.0.0.23"], {"ca": "ca.pem"}),
    "srv": ("sip:dienst.example", ["127.0.0.21", "127.0.0.24"], {"transports": ["udp"]}),
    "wrong": ("sip:127.0.0.25:5060", ["127.0.0.25"], {"password_file": "wrong"}),
    "gone": ("sip:127.0.0.26:5999", ["127.0.0.26"], {}),
}
STATES = {"udp": "up", "tcp": "up", "tls": "up", "srv": "up", "wrong": "degraded", "gone": "down"}

PLAN = "\n".join(f"""
[[rule]]
name = "{name}"
called = "{9000 + at}"
ring = {{ to = ["1000"], trunk = "{name}", seconds = 20 }}
""" for at, name in enumerate(["udp", "tcp", "tls", "srv"]))


def configuration(folder, hashed):
    lines = ["[sip]", f'listen = ["{OURS}:5060", "127.0.0.1:5060"]', f'tls_listen = ["{OURS}:5061"]', f'dns = ["{DNS}"]', "[web]", f'listen = ["{OURS}:8443"]',
             "[browsers]", "listen = []", "[media]", f'address = "{OURS}"', 'codecs = ["PCMA"]', "[dialplan]", f'folder = "{folder}/plan"',
             hashed, "[[processors]]", 'name = "Telefonnetz"', 'purposes = ["trunk"]', 'country = "DE"', 'networks = ["127.0.0.0/8"]',
             'contract = "AVV 1"']
    for name, (dial, networks, more) in TRUNKS.items():
        words = {"name": name, "dial": dial, "networks": networks, "user": USER, "password_file": "password", "register": True, **more}
        lines += ["[[trunks]]"]
        for word, value in words.items():
            in_folder = word in ("password_file", "ca")
            lines.append(f"{word} = {json.dumps(f'{folder}/{value}' if in_folder else value)}")
    return "\n".join(lines) + "\n"


def asked(token, path="", body=None):
    request = urllib.request.Request(API + path, headers={"Authorization": f"Bearer {token}"})
    if body is not None:
        request.data, request.method = json.dumps(body).encode(), "POST"
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=90) as answer:
        return json.load(answer)


def states(token):
    return {trunk["name"]: trunk for trunk in asked(token)["trunks"]}


def call(number):
    """What the call was like: through the gateway, over a trunk, to the telephone behind it."""
    done = subprocess.run([sys.argv[1], "phone", f"sip:{number}@{OURS}", "--local", "127.0.0.11", "--seconds", "2", "--codec", "pcma", "--json"],
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {"received": 0, "setupMs": 0, "why": done.stderr}


def main():
    faults = 0

    def check(what, fine, seen=""):
        nonlocal faults
        faults += not fine
        print(f"{what:58} {seen!s:48.48} {'ok' if fine else 'WRONG'}", flush=True)
        if not fine and "-v" in sys.argv:
            print(seen)

    with tempfile.TemporaryDirectory() as place, town(pathlib.Path(place), algorithm="SHA-256"):
        folder = pathlib.Path(place)
        (folder / "plan").mkdir()
        (folder / "plan" / "plan.toml").write_text(PLAN)
        token = f"ew_{secrets.token_hex(32)}"
        digest = hashlib.sha256(token.encode()).hexdigest()
        hashed = f'[[api.tokens]]\nname = "test"\nhash = "sha256:{digest}"\nrights = ["calls", "operate"]'
        with serving(folder, configuration(folder, hashed), 5060) as gateway:
            deadline = time.monotonic() + 30
            while {name: trunk["state"] for name, trunk in states(token).items()} != STATES and time.monotonic() < deadline:
                time.sleep(0.5)
            known = states(token)
            for name, state in STATES.items():
                trunk = known[name]
                fine = trunk["state"] == state and bool(trunk["registeredUntil"]) == (state == "up")
                check(f"{name} is {state}" + (", and registered" if state == "up" else ""), fine, trunk["why"] or trunk["registeredUntil"])
            check("what went wrong is kept", known["gone"]["lastErrors"] and "401" in known["wrong"]["why"], known["gone"]["lastErrors"])
            report = asked(token, "/udp/check", {"call": "1000"})
            check("an examination by API finds nothing, and us registered", report["healthy"] and report["called"], report["findings"])
            report = asked(token, "/wrong/check", {})
            check("an examination by API finds the wrong password", [it["fault"] for it in report["findings"]] == ["wrong-password"], report["findings"])
            for at, name in enumerate(["udp", "tcp", "tls", "srv"]):
                heard = call(str(9000 + at))
                check(f"a call goes out over {name}", heard["received"] > 50, {key: heard.get(key) for key in ("setupMs", "received", "why")})
            check("the second server has taken over within 8 s", 3500 < heard["setupMs"] < 8000, heard["setupMs"])
            check("no call is left", [trunk["calls"] for trunk in states(token).values()] == [0] * 6)
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(15)
        done = subprocess.run([sys.argv[1], "trunk", "check", "udp", "--config", folder / "einwahl.toml", "--json"], capture_output=True, text=True)
        found = [finding["fault"] for finding in json.loads(done.stdout)["findings"]]
        check("the registrar was told that the gateway goes", found == ["not-registered"], found)
    print(f"{faults} failed")
    sys.exit(faults > 0)


main()
