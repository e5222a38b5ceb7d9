#!/usr/bin/env python3
"""Faults injected into a trunk (Kamailio, DNS by dnsmasq, a telephone behind it), and what `einwahl trunk check` calls them.

Usage: trunk_doctor.py PATH_OF_EINWAHL. Prints a table (fault, verdict, seconds); fails if a fault in twenty is named wrongly, if
one takes a minute, or if anything is found on a healthy trunk. Everything runs on loopback and ends by itself.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from trunk_town import DNS, PBX, USER, register_elsewhere, town

def trunk(dial, **words):
    """A configuration with one trunk."""
    words = {"user": USER, "password_file": "password", "networks": ["127.0.0.20/30"], **words}
    lines = ["[sip]", 'listen = ["127.0.0.1:5060"]', f'dns = ["{DNS}"]', "[[trunks]]", 'name = "netz"', f'dial = "{dial}"',
             'codecs = ["PCMA", "PCMU"]']
    lines += [f"{word} = {json.dumps(value)}" for word, value in words.items() if value is not None]
    return "\n".join(lines) + "\n"


UDP = f"sip:{PBX}:5060"
TLS_NAME = "sip:pbx.stadt.example:5061;transport=tls"
# Fault: configuration, number, and the verdict that is right.
FAULTS = {
    "nobody listens at its port": (trunk(f"sip:{PBX}:5999"), "1000", "refused"),
    "nobody listens there (TCP)": (trunk(f"sip:{PBX}:5999;transport=tcp"), "1000", "refused"),
    "a firewall drops everything": (trunk(f"sip:{PBX}:5998"), "1000", "silent"),
    "no such name in DNS": (trunk("sip:tippfehler.example"), "1000", "dns"),
    "SRV leads to a name without address": (trunk("sip:leer.example"), "1000", "dns"),
    "DNS leads elsewhere": (trunk("sip:elsewhere.example:5060"), "1000", "dns-outside"),
    "certificate for another name": (trunk("sip:other.stadt.example:5061;transport=tls", ca="ca.pem"), "1000", "tls-name"),
    "certificate out of date": (trunk("sip:pbx.stadt.example:5062;transport=tls", ca="ca.pem"), "1000", "tls-expired"),
    "certificate of an unknown authority": (trunk(TLS_NAME, ca="stranger.pem"), "1000", "tls-issuer"),
    "no TLS at that port": (trunk("sip:pbx.stadt.example:5060;transport=tls", ca="ca.pem"), "1000", "tls-none"),
    "wrong password": (trunk(UDP, password_file="wrong"), "1000", "wrong-password"),
    "no account": (trunk(UDP, user=None, password_file=None), "1000", "no-account"),
    "challenge without end": (trunk(UDP, user="loop"), "1000", "challenge-loop"),
    "registered elsewhere": (trunk(UDP, user="stale", register=True), "1000", "stale-registration"),
    "not registered": (trunk(UDP, register=True), "1000", "not-registered"),
    "wrong number": (trunk(UDP), "7777", "wrong-number"),
    "overload": (trunk(UDP), "1503", "overload"),
    "number not admitted": (trunk(UDP), "1403", "forbidden"),
    "inner address in SDP (NAT)": (trunk(UDP), "1001", "nat"),
    "inner address in Contact (NAT)": (trunk(UDP), "1010", "nat"),
    "one-way sound": (trunk(UDP), "1002", "one-way-audio"),
    "sound from elsewhere": (trunk(UDP), "1011", "sound-from-elsewhere"),
    "no telephone-events": (trunk(UDP), "1003", "dtmf"),
    "hold refused": (trunk(UDP), "1004", "hold"),
    "hold cuts off": (trunk(UDP), "1005", "hold"),
    "no session is long enough": (trunk(UDP), "1006", "session-timer"),
    "refresh refused": (trunk(UDP), "1007", "session-timer"),
    "refresh not answered": (trunk(UDP), "1012", "session-timer"),
    "no common codec": (trunk(UDP), "1008", "codec"),
    "another codec than answered": (trunk(UDP), "1009", "codec"),
    "a codec that was not offered": (trunk(UDP), "1014", "codec"),
    "no SRTP, which is required": (trunk(UDP, srtp="required"), "1000", "srtp"),
    "hangs up by itself": (trunk(UDP), "1013", "hung-up"),
}
# Nothing is to be found here. A dead first server is told, as it costs each call its time.
HEALTHY = {
    "UDP": (trunk(UDP), "1000"),
    "TCP": (trunk(f"{UDP};transport=tcp"), "1000"),
    "TLS, by name": (trunk(TLS_NAME, ca="ca.pem"), "1000"),
    "NAPTR and SRV": (trunk("sip:zeiger.example"), "1000"),
    "without a call": (trunk(UDP), None),
}


def examine(folder, name, text, number):
    """What the doctor says, as JSON, and how long it took."""
    file = folder / (name.translate(str.maketrans(" ,()", "____")) + ".toml")
    for word in ("password", "wrong", "ca.pem", "stranger.pem"):
        text = text.replace(f'= "{word}"', f'= "{folder}/{word}"')
    file.write_text(text)
    began = time.monotonic()
    call = ["--call", number] if number else []
    done = subprocess.run([sys.argv[1], "trunk", "check", "netz", "--config", file, "--json", *call], capture_output=True, text=True,
                          timeout=90)
    seconds = time.monotonic() - began
    try:
        return json.loads(done.stdout), done.returncode, seconds
    except json.JSONDecodeError:
        raise SystemExit(f"{name}: {done.stderr}") from None


def main():
    right, healthy, slowest = 0, 0, 0
    with tempfile.TemporaryDirectory() as place, town(pathlib.Path(place)):
        folder = pathlib.Path(place)
        register_elsewhere()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            runs = {name: pool.submit(examine, folder, name, text, number) for name, (text, number, _) in FAULTS.items()}
            sound = {name: pool.submit(examine, folder, name, *how) for name, how in HEALTHY.items()}
            backup = pool.submit(examine, folder, "backup", trunk("sip:dienst.example", transports=["udp"], networks=["127.0.0.21", "127.0.0.24"]), "1000")
        print(f"{'fault':38} {'verdict':22} {'also':30} seconds")
        for name, run in runs.items():
            report, status, seconds = run.result()
            wanted = FAULTS[name][2]
            found = [finding["fault"] for finding in report["findings"]]
            is_right = found[:1] == [wanted] and status == 1 and seconds < 60
            right += is_right
            slowest = max(slowest, seconds)
            print(f"{name:38} {(found or ['nothing'])[0]:22} {', '.join(found[1:]):30} {seconds:5.1f}  {'ok' if is_right else 'WRONG, it is ' + wanted}")
            if not is_right and "-v" in sys.argv:
                print(json.dumps(report, indent=1))
        for name, run in sound.items():
            report, status, seconds = run.result()
            found = [finding["fault"] for finding in report["findings"]]
            is_right = found == [] and status == 0
            healthy += is_right
            print(f"{'healthy: ' + name:38} {(found or ['nothing'])[0]:22} {', '.join(found[1:]):30} {seconds:5.1f}  {'ok' if is_right else 'WRONG'}")
            if not is_right and "-v" in sys.argv:
                print(json.dumps(report, indent=1))
        report, _, seconds = backup.result()
        found = [(finding["fault"], finding["certainty"]) for finding in report["findings"]]
        took_over = found == [("silent", "likely")] and report["called"] and len(report["tried"]) == 2
        print(f"{'the first of two servers is dead':38} {found} tried {report['tried']}  {'ok' if took_over else 'WRONG'}")
    print(f"{right} of {len(FAULTS)} faults named rightly, the slowest after {slowest:.1f} s; {healthy} of {len(HEALTHY)} healthy trunks without a finding")
    sys.exit(right * 20 < len(FAULTS) * 19 or healthy < len(HEALTHY) or not took_over)


main()
