#!/usr/bin/env python3
"""Pages (Chromium) whose network does not let everything out, and one on IPv6: each meets a telephone (baresip) in the real gateway.

One has an IPv6 address and no other way (Chromium takes no part by `::1`). One has the media port closed for UDP by nftables, in a network of its own,
and must come through by ICE-TCP (RFC 6544) on the same port number. One has it closed for TCP as well, and reaches the institution's relay alone
(coturn, over TCP); another relay, whose name leads to where nobody is declared, is not told. For all: each must hear the other within 3 dB and
not itself, and the page must see in its statistics, from the gateway's RTCP, how it is heard: loss and round trip.
Usage: other_ways.py PATH_OF_EINWAHL. Everything runs on loopback and ends by itself.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from gateway import audited, configuration, serving
from neighbours import hosts, name_server, running
from pages import HANDLES, Page
from phones import Phone, connect, judge_tones, level_of_tone, strength, write_tone
from playwright.sync_api import sync_playwright

SIP_PORT, WEB_PORT, MEDIA_PORT = 25075, 28448, 23483
PHONE, PAGE = TONES = (440, 880)
RELAY, RELAY_PORT, SECRET = "127.0.0.9", 23484, "Nordwind"
DNS = "127.0.0.53:25353"
# An address of nobody (RFC 4193), on a line between two ends of this machine.
IPV6 = "fd65:696e:7761:686c::1"
LINE = f"ip link set lo up && ip link add line type veth peer other && ip addr add {IPV6}/64 dev line nodad && ip link set line up && ip link set other up"

# By which carrier the page's sound goes, and what RTCP tells it.
STATISTICS = """async () => {
    const stats = [...(await cut.peers.at(-1).getStats()).values()];
    const pair = stats.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
    const local = stats.find((one) => one.id === pair.localCandidateId);
    const remote = stats.find((one) => one.id === pair.remoteCandidateId);
    const told = stats.find((one) => one.type === "remote-inbound-rtp");
    const sent = stats.filter((one) => one.type === "remote-outbound-rtp").map((one) => one.packetsSent);
    const relays = cut.peers.at(-1).getConfiguration().iceServers.flatMap((server) => server.urls);
    return { protocol: local.relayProtocol ?? local.protocol, kind: local.candidateType, relays, address: remote.address, told, sent };
}"""


def only_tcp():
    """Lets no UDP into the browsers' media port: what comes is dropped, as by a firewall that says nothing."""
    rules = f"table inet einwahl {{ chain in {{ type filter hook input priority 0; udp dport {MEDIA_PORT} drop; }}; }}"
    subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)


def only_by_relay():
    """Lets nobody but the relay to the browsers' media port."""
    closed = "; ".join(f"ip saddr != {RELAY} {kind} dport {MEDIA_PORT} drop" for kind in ("udp", "tcp"))
    rules = f"delete table inet einwahl; table inet einwahl {{ chain in {{ type filter hook input priority 0; {closed}; }}; }}"
    subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)


@contextlib.contextmanager
def relay(folder):
    """A relay that knows our secret, and names, one of which leads where nobody is declared."""
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "secret").chmod(0o600)
    turn = ["turnserver", "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=stadt.example", f"--listening-ip={RELAY}",
            f"--relay-ip={RELAY}", f"--listening-port={RELAY_PORT}", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--log-file=stdout",
            f"--userdb={folder}/turndb", f"--pidfile={folder}/turn.pid", "--no-udp"]
    with running(*turn), name_server(folder, DNS, hosts(fremd="192.0.2.77")):
        connect(RELAY_PORT, RELAY).close()
        yield f'''
[turn]
servers = ["turn:{RELAY}:{RELAY_PORT}?transport=tcp", "turns:fremd.stadt.example:443?transport=tcp"]
secret_file = "{folder}/secret"

[[processors]]
name = "Rechenzentrum"
purposes = ["turn"]
country = "DE"
networks = ["198.51.100.0/24"]
'''


def wait_until_connected(page):
    deadline = time.monotonic() + 20
    while page.page.evaluate("cut.peers.at(-1)?.connectionState") != "connected":
        if time.monotonic() > deadline:
            raise TimeoutError("no sound passes")
        time.sleep(0.05)


def meet(name, host, media, folder, playwright, check, more=""):
    folder.mkdir(exist_ok=True)
    write_tone(folder / "tone.wav", PAGE, 10)
    web = f"{host}:{WEB_PORT}"
    text = configuration(SIP_PORT, media=(25700, 25799), web=web, browsers=media, id="123456", pin="4711")
    if more:
        text = text.replace("[web]", f'dns = ["{DNS}"]\n[web]', 1) + more
    with serving(folder, text, SIP_PORT):
        phone = Phone(folder, 0, PHONE, "PCMA/8000/1")
        start = time.monotonic()
        page = Page(playwright, f"https://{web}/r/rat", folder / "tone.wav", name, before=HANDLES)
        try:
            page.joins("4711")
            page.is_inside()
            wait_until_connected(page)
            took = time.monotonic() - start
            phone.does("dial", f"sip:einwahl@127.0.0.1:{SIP_PORT}")
            time.sleep(1)
            for key in "123456#4711#":
                phone.does("sndcode", key)
            time.sleep(14)  # until the phone has been told who is here, and both have reported
            heard = [sample * 32768 for sample in page.records(2.5)[-96_000:]]
            statistics = page.page.evaluate(STATISTICS)
            time.sleep(3)
            phone.does("hangup")
            page.leaves()
        finally:
            phone.ends()
            page.ends()
    levels = [level_of_tone(heard, 48_000, hertz) for hertz in TONES]
    by_phone = [strength(phone.heard(), hertz, 2, 2) if phone.heard() else -120.0 for hertz in TONES]
    for who, number, strengths in (("phone", 0, by_phone), ("page", 1, levels)):
        fine, what = judge_tones(TONES, number, strengths)
        check(f"{name}: the {who} hears the other and not itself", fine, what)
    told = statistics["told"] or {}
    wanted = "udp" if name == "IPv6" else "tcp"
    check(f"{name}: the sound goes by {wanted} to {media}", statistics["protocol"] == wanted and statistics["address"] in media,
          f"({statistics['protocol']} {statistics['address']}, {took:.1f} s from the page's start to its sound)")
    relays = [f"turn:{RELAY}:{RELAY_PORT}?transport=tcp"] if more else []
    check(f"{name}: the page knows the relays that may be told, and goes by one only if it has to",
          statistics["relays"] == relays and (statistics["kind"] == "relay") == bool(more), f"({statistics['kind']} {statistics['relays']})")
    check(f"{name}: the page is told how it is heard",
          told.get("roundTripTime") is not None and told["roundTripTime"] < 0.3 and told["packetsLost"] < 20,
          json.dumps({key: told.get(key) for key in ("packetsLost", "fractionLost", "jitter", "roundTripTime")}))
    check(f"{name}: the page is told what it is sent", max(statistics["sent"], default=0) > 200, str(statistics["sent"]))
    check(f"{name}: the page's console says nothing", not page.errors, str(page.errors[:2]))


def main():
    passed, faults = [], []

    def check(what, fine, detail=""):
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        (passed if fine else faults).append(what)

    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = pathlib.Path(place)
        meet("IPv6", f"[{IPV6}]", f"[{IPV6}]:{MEDIA_PORT}", folder / "ipv6", playwright, check)
        only_tcp()
        meet("TCP", "127.0.0.1", f"127.0.0.1:{MEDIA_PORT}", folder / "tcp", playwright, check)
        only_by_relay()
        place = folder / "relay"
        place.mkdir()
        with relay(place) as configured:
            meet("relay", "127.0.0.1", f"127.0.0.1:{MEDIA_PORT}", place, playwright, check, configured)
        refused = audited(place, "connectionRefused")
        check("relay: the other one is refused, and noted with the address to which its name leads",
              any("192.0.2.77" in json.dumps(line) and "turn" in json.dumps(line) for line in refused), json.dumps(refused)[:300])
    print(f"{len(passed)} passed, {len(faults)} failed")
    return 1 if faults else 0


def in_a_network_of_its_own():
    """Only there is it right to close a port for everybody."""
    inside = LINE + ' && exec "$0" "$@"'
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return subprocess.run(["unshare", "--net", *as_root, "sh", "-c", inside, sys.executable, __file__, *sys.argv[1:], "--inside"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main() if sys.argv[-1] == "--inside" else in_a_network_of_its_own())
