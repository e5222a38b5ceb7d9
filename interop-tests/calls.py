#!/usr/bin/env python3
"""How calls behave: SIPp plays telephones and telephone systems, good and bad, against the real gateway.

Refusals with their statuses and headers, CANCEL at the worst moment, hold in every direction, late offers, lost ACKs, repeated
INVITEs, session timers, trunks, a full gateway and one that is being drained. The scenarios are in `sipp/`.
Usage: calls.py PATH_OF_EINWAHL [NAME …]. Everything runs on loopback and ends by itself.
"""
import concurrent.futures
import contextlib
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

from gateway import configuration
from phones import connect
from scenarios import Run

SIP, SMALL, DRAINED, STOPPED, LED = 25_070, 25_071, 25_072, 25_073, 25_074
MEDIA = 26_000

PLAN = """
[[rule]]
name = "Notruf"
called = ["110", "112"]
emergency = true
[[rule]]
name = "Amtsleitung"
called = "200"
trunk = "amt"
menu = "de"
[[rule]]
name = "Menue"
called = ["100", "150"]
menu = "de"
[[rule]]
name = "Rat"
called = "160"
room = "rat"
[[rule]]
name = "Feierabend"
called = "170"
closed = "de"
[[rule]]
name = "Verboten"
called = "403"
reject = "forbidden"
[[rule]]
name = "Unerreichbar"
called = "480"
reject = "unavailable"
[[rule]]
name = "Besetzt"
called = "486"
reject = "busy"
[[rule]]
name = "Umgezogen"
called = "302"
redirect = "sip:anderswo@192.0.2.1"
"""

TRUNKS = """
[[trunks]]
name = "haus"
networks = ["127.0.0.1"]
[[trunks]]
name = "amt"
networks = ["127.0.0.2"]
codecs = ["PCMU"]
most_calls = 1
[[trunks]]
name = "sicher"
networks = ["127.0.0.3"]
transports = ["tls"]
"""

# Each: what it shows, the scenario, and how it is run.
REFUSALS = [
    ("forbidden by a rule: 403", "403", "403", r"Reason: Q.850;cause=21"),
    ("no rule for this number: 404", "999", "404", r"Reason: Q.850;cause=1"),
    ("an emergency call: 404, and the telephone system knows that it has to find another way", "112", "404", r"Reason: Q.850;cause=3"),
    ("closed: 480", "480", "480", r"Reason: Q.850;cause=18"),
    ("busy: 486", "486", "486", r"Reason: Q.850;cause=17"),
    ("sent elsewhere: 302", "302", "302", r"Contact: .sip:anderswo@192.0.2.1"),
]
OFFERS = [
    ("no common codec: 488 tells which would do", ("AVP 8 0 101", "AVP 18"), r"Warning: 305 .*opus, G722, PCMA, PCMU"),
    ("no common media transport: 488", ("RTP/AVP", "RTP/SAVP"), r"Warning: 302 "),
    ("no audio: 488", ("m=audio", "m=image"), r"Warning: 304 "),
]
PLAIN = ["answered", "cancelled_late", "hold", "changed", "late_offer", "no_answer_in_ack", "update", "refreshed", "not_refreshed",
         "refreshed_by_us", "refreshed_for_old", "no_timer", "no_such_call", "symmetric", "old_pbx", "no_contact", "refusal_repeated",
         "lost_ack"]
OVER_TCP = ["answered", "hold", "changed", "late_offer", "update", "refreshed_by_us", "refreshed_for_old"]
OVER_IPV6 = ["answered", "hold", "late_offer", "refreshed_by_us"]


class Results:
    def __init__(self):
        self.passed, self.failed = 0, 0
        self.wanted = sys.argv[2:]

    def tell(self, what, fault=""):
        self.passed += not fault
        self.failed += bool(fault)
        print(f"{'WRONG' if fault else 'ok   '} {what}" + (f"\n{fault}" if fault else ""), flush=True)


class Gateway:
    """The real gateway on its own port, with a plan, trunks and a log."""

    def __init__(self, folder, port, sip="", listen=None, media='["127.0.0.1", "::1"]'):
        self.folder, self.port = folder / str(port), port
        (self.folder / "plan").mkdir(parents=True)
        (self.folder / "plan" / "10.toml").write_text(PLAN)
        addresses = listen or ["127.0.0.1"]
        first = MEDIA + (port - SIP) * 200
        text = configuration(None, media=(first, first + 199), id="123456")
        text = text.replace("[sip]\nlisten = []", "[sip]\nlisten = [" + ", ".join(f'"{one}:{port}"' for one in addresses) + f"]\n{sip}")
        text = text.replace("[media]", f'[media]\naddress = {media}')
        text += f'[store]\nfolder = "{self.folder / "kept"}"\n'
        text += f'[dialplan]\nfolder = "{self.folder / "plan"}"\n' + TRUNKS
        (self.folder / "einwahl.toml").write_text(text)
        self.log_file = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([sys.argv[1], "serve", "--config", str(self.folder / "einwahl.toml")], stderr=self.log_file)
        connect(port).close()

    def log(self):
        # Without the colours.
        return re.sub("\x1b\\[[0-9;]*m", "", (self.folder / "log").read_text(errors="replace"))

    def asked_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def close(self):
        for _ in range(2):
            if self.process.poll() is None:
                self.asked_to_stop()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(4)
        self.log_file.close()


def line_with(log, *words):
    """Whether one line of the log has all of that."""
    return any(all(word in line for word in words) for line in log.splitlines())


def scenarios(folder, gateway, results):
    """Everything that one gateway is asked at the same time."""
    jobs = []

    def job(what, name, **how):
        if not results.wanted or name in results.wanted:
            jobs.append((what, name, how))

    for what, service, status, header in REFUSALS:
        job(what, "refused", service=service, STATUS=status, HEADER=header)
    job("a session interval below the least: 422 with Min-SE", "refused", STATUS="422", HEADER="Min-SE: 4",
        extra=("Content-Length: [len]", "Supported: timer\nSession-Expires: 3\nContent-Length: [len]"))
    job("a trunk that has to use TLS and does not: 403", "refused", STATUS="403", HEADER="Reason: cause=21", source="127.0.0.3")
    job("a rule for a trunk does not take calls of another: 404", "refused", service="200", STATUS="404", HEADER="Reason: cause=1")
    for what, change, header in OFFERS:
        job(what, "refused", STATUS="488", HEADER=header, extra=change)
    for name in PLAIN:
        job(name, name, service="999" if name == "refusal_repeated" else "100")
    for name in OVER_TCP:
        job(f"{name}, over TCP", name, transport="t1")
    for name in OVER_IPV6:
        job(f"{name}, over IPv6", name, address="::1")
    job("keys by INFO get the caller into the room", "keys", service="160")
    job("hung_up", "hung_up", service="170")
    job("the gateway hangs up, over IPv6", "hung_up", service="170", address="::1")
    job("the gateway hangs up, over TCP", "hung_up", service="170", transport="t1")
    job("OPTIONS: 200 as long as calls are taken", "options", STATUS="200", HEADER="Allow: INVITE")

    def run(entry):
        _, name, how = entry
        attempt = Run(folder, name, gateway.port, **how)
        return entry, attempt, attempt.faults()

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for (what, name, _), attempt, fault in pool.map(run, jobs):
            fault = fault or extra_faults(name, attempt)
            results.tell(what, fault)


def extra_faults(name, attempt):
    """What SIPp does not see itself."""
    if name == "lost_ack":
        answers = len(re.findall(r"^SIP/2.0 200", attempt.messages(), re.M))
        return "" if answers >= 5 else f"the 200 came {answers} times"
    if name == "refusal_repeated":
        refusals = len(re.findall(r"^SIP/2.0 404", attempt.messages(), re.M))
        return "" if refusals >= 2 else f"the 404 came {refusals} times"
    return ""


def log_lines(gateway, results):
    """What an admin reads of it."""
    log = gateway.log()
    for what, words in [
        ("a taken call tells trunk and rule, and no number", ("a call", 'trunk="haus"', 'rule="Menue"', "+49 30 ···56")),
        ("a refusal tells rule and why", ("refused", "status=403", 'rule="Verboten"', 'trunk="haus"', "a rule of the dialplan refuses")),
        ("no rule is told as that", ("refused", "status=404", 'rule="none"', "no rule takes the called number")),
        ("no common codec is told with what to do", ("refused", "status=488", "allow one of them on the PBX")),
        ("a session too short is told", ("refused", "status=422", "more often than every 4 s")),
        ("a trunk without TLS is told", ("refused", "status=403", 'trunk="sicher"', "see its transports")),
        ("an emergency call is told loudly", ("ERROR", "refused", "status=404", 'rule="Notruf"')),
        ("the keys got the caller into the room", ("a telephone joins", "rat")),
    ]:
        results.tell(f"log: {what}", "" if line_with(log, *words) else "\n".join(log.splitlines()[-5:]))
    calls = sum('called="150"' in line for line in log.splitlines())
    results.tell("log: an INVITE that came three times is one call", "" if calls == 1 else f"{calls} calls")
    results.tell("log: nothing panicked, no number is in it", "" if "panicked" not in log and "4930123456" not in log else log[-2000:])


class Telephone:
    """A telephone of a few lines, for what SIPp cannot time."""

    def __init__(self, gateway, service, address="127.0.0.1", contact="", route="", stream=False):
        self.gateway, self.service, self.route = gateway, service, route
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(3)
        self.socket.connect(("127.0.0.1", gateway.port))
        own = f"{address}:{self.socket.getsockname()[1]}"
        self.via, self.contact = f"{'TCP' if stream else 'UDP'} {own}", contact or f"sip:race@{own}"

    def says(self, method, cseq, call, branch, to_tag="", body=""):
        lines = [f"{method} sip:{self.service}@127.0.0.1:{self.gateway.port} SIP/2.0", f"Via: SIP/2.0/{self.via};branch=z9hG4bK{branch}",
                 f"From: <sip:+4930123456@127.0.0.1>;tag=f{call}", f"To: <sip:{self.service}@127.0.0.1>{to_tag}", f"Call-ID: {call}@test",
                 f"CSeq: {cseq} {method}", f"Contact: <{self.contact}>", "Max-Forwards: 70"]
        lines += [f"Record-Route: {self.route}"] * bool(self.route)
        lines += ["Content-Type: application/sdp"] * bool(body) + [f"Content-Length: {len(body)}", "", body]
        self.socket.sendall("\r\n".join(lines).encode())

    def invites(self, call):
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
        self.says("INVITE", 1, call, f"i{call}", body=sdp)

    def hears(self, call, *wanted):
        """The next final response of this call, to one of these."""
        while True:
            text = self.socket.recv(4096).decode()
            if f"{call}@test" in text and text.startswith("SIP/2.0") and text[8] != "1" and any(one in text for one in wanted):
                return text

    def ends(self, call, answer):
        """Acknowledges the final response, and hangs up if it took the call; the fault, if there is one."""
        status, tag = answer[8:11], re.search(r"^To:.*?(;tag=[^;\s]+)", answer, re.M)[1]
        self.says("ACK", 1, call, f"i{call}" if status != "200" else f"a{call}", tag)
        if status == "200":
            self.says("BYE", 2, call, f"b{call}", tag)
            bye = self.hears(call, "CSeq: 2 BYE")
            return "" if bye.startswith("SIP/2.0 200") else bye
        return ""


def cancel_race(gateway, results):
    """CANCEL 0 to 8 ms after the INVITE: in time (487) or crossing the 200 (then BYE); never a call that hangs."""
    outcomes = {"487": 0, "200": 0}
    phone, fault = Telephone(gateway, "100"), ""
    with phone.socket:
        for number in range(45):
            call = f"race{number}"
            phone.invites(call)
            time.sleep((number % 9) / 1000)
            phone.says("CANCEL", 1, call, f"i{call}")
            try:
                answers = [phone.hears(call, "CSeq: 1 ")]
                other = "CSeq: 1 CANCEL" if "CSeq: 1 INVITE" in answers[0] else "CSeq: 1 INVITE"
                answers.append(phone.hears(call, other))
                cancelled, final = sorted(answers, key=lambda text: "CSeq: 1 INVITE" in text)
                fault = fault or ("" if cancelled.startswith("SIP/2.0 200") else cancelled)
                outcomes[final[8:11]] = outcomes.get(final[8:11], 0) + 1
                fault = fault or phone.ends(call, final)
            except TimeoutError:
                fault = fault or f"attempt {number}: no answer"
    fault = fault or ("" if set(outcomes) == {"487", "200"} else str(outcomes))
    results.tell(f"CANCEL at every moment: in time {outcomes['487']} times, too late {outcomes['200']} times, no call hangs", fault)


def repeated(gateway, results):
    """The same INVITE three times, and once more after the call: one call, and one To-tag."""
    phone, call = Telephone(gateway, "150"), "again"
    with phone.socket:
        for _ in range(3):
            phone.invites(call)
        answer = phone.hears(call, "CSeq: 1 INVITE")
        fault = phone.ends(call, answer)
        phone.invites(call)
        tag = re.search(r"^To:.*", answer, re.M)[0]
        fault = fault or ("" if tag in phone.hears(call, "CSeq: 1 INVITE") else "another call")
    results.tell("the same INVITE four times gets the same answer", fault)


def stay(folder, gateway, **how):
    """A call that is up until it is hung up from here or there."""
    call = Run(folder, "stays", gateway.port, STAY=how.pop("stay", "20000"), **how)
    deadline = time.monotonic() + 8
    while "ACK sip" not in call.messages() and time.monotonic() < deadline:
        time.sleep(0.05)
    return call


def full(folder, gateway, results):
    """A gateway for two calls, one of trunk `amt`, which may have one."""
    ipv6 = Run(folder, "refused", gateway.port, STATUS="488", HEADER="Warning: 301 ",
               extra=("c=IN IP[media_ip_type] [media_ip]", "c=IN IP6 2001:db8::1"))
    results.tell("no common address family: 488", ipv6.faults())
    first = stay(folder, gateway, service="200", source="127.0.0.2", stay="6000")
    chosen = re.search(r"m=audio \d+ RTP/AVP (\d+)", first.messages().rpartition("SIP/2.0 200")[2])
    results.tell("a trunk has its own codecs", "" if chosen and chosen[1] == "0" else f"{chosen}")
    other = Run(folder, "refused", gateway.port, service="200", source="127.0.0.2", STATUS="503", HEADER="Retry-After: 10")
    results.tell("a trunk that has its calls gets 503 with Retry-After", other.faults())
    second = stay(folder, gateway, stay="5000")
    for what, name, how in [("a full gateway refuses with 503 and Retry-After", "refused", {"HEADER": "Retry-After: 10"}),
                            ("OPTIONS at a full gateway: 503", "options", {"HEADER": "Retry-After: 10"})]:
        results.tell(what, Run(folder, name, gateway.port, STATUS="503", **how).faults())
    results.tell("the calls in a full gateway go on", first.faults() + second.faults())
    results.tell("OPTIONS when there is place again: 200", Run(folder, "options", gateway.port, STATUS="200", HEADER="Allow: INVITE").faults())
    log = gateway.log()
    for what, words in [("a full trunk", ("status=503", 'trunk="amt"', "raise its most_calls")),
                        ("a full gateway", ("status=503", 'trunk="haus"', "as many calls as it may"))]:
        results.tell(f"log: {what} is told", "" if line_with(log, *words) else "\n".join(log.splitlines()[-5:]))


def drained(folder, gateway, results):
    """SIGTERM: the call that is up goes on, nobody new comes in, and the gateway ends with the call."""
    call = stay(folder, gateway, stay="4000")
    gateway.asked_to_stop()
    time.sleep(0.3)
    for what, name in [("a gateway that is drained refuses with 503 and Retry-After", "refused"), ("OPTIONS at a gateway that is drained: 503", "options")]:
        results.tell(what, Run(folder, name, gateway.port, STATUS="503", HEADER="Retry-After: 10").faults())
    results.tell("it still serves the call that was up", "" if gateway.process.poll() is None else "it has ended")
    fault = call.faults()
    results.tell("which ends when its caller hangs up", fault or ("" if "BYE sip:100" in call.messages() else "the gateway hung up"))
    with contextlib.suppress(subprocess.TimeoutExpired):
        gateway.process.wait(5)
    results.tell("and with the last call the gateway ends", "" if gateway.process.poll() == 0 else f"{gateway.process.poll()}")


def stopped(folder, gateway, results):
    """A second SIGTERM."""
    call = stay(folder, gateway)
    gateway.asked_to_stop()
    time.sleep(0.5)
    before = gateway.process.poll()
    gateway.asked_to_stop()
    with contextlib.suppress(subprocess.TimeoutExpired):
        gateway.process.wait(5)
    results.tell("a second SIGTERM ends the gateway at once", "" if before is None and gateway.process.poll() == 0 else "it did not")
    results.tell("and its calls are hung up", call.faults() or ("" if "BYE sip:sipp" in call.messages() else "no BYE came"))


def led_elsewhere(gateway, results):
    """Messages that say that the requests of their call go elsewhere: to a stranger's victim, to a name, out of a trunk's networks. When the
    gateway hangs up, its BYE goes to who has called, and says what a BYE has to; nobody else hears anything, also no name server."""
    victim, waiting = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.create_server(("127.0.0.9", 0))
    there = f"127.0.0.9:{waiting.getsockname()[1]}"
    victim.bind(waiting.getsockname())
    home = socket.create_server(("127.0.0.5", waiting.getsockname()[1]))
    for one in (victim, waiting):
        one.setblocking(False)
    stranger = {"address": "127.0.0.5"}
    ways = {"to somebody else": {**stranger, "contact": f"sip:race@{there}"},
            "to a name": {"contact": "sip:race@pbx.stadt.invalid"},
            "out of a trunk's networks": {"contact": "sip:race@203.0.113.9:5060"},
            "by a hop elsewhere": {**stranger, "route": f"<sip:{there};lr>"},
            "to somebody else, by TCP": {**stranger, "contact": f"sip:race@{there};transport=tcp", "stream": True}}
    phones = {what: Telephone(gateway, "100", **how) for what, how in ways.items()}
    answers = {}
    for number, (what, phone) in enumerate(phones.items()):
        phone.invites(f"led{number}")
        answer = answers[what] = phone.hears(f"led{number}", "CSeq: 1 INVITE")
        phone.says("ACK", 1, f"led{number}", f"a{number}", re.search(r"^To:.*?(;tag=[^;\s]+)", answer, re.M)[1])
    *_, by_tcp = phones
    time.sleep(0.5)
    phones[by_tcp].socket.close()
    gateway.asked_to_stop()
    time.sleep(0.5)
    gateway.asked_to_stop()
    phones[by_tcp].socket = home.accept()[0] if connect_comes(home) else None
    for what, phone in phones.items():
        bye = ""
        with contextlib.suppress(TimeoutError, AttributeError):
            while not bye.startswith("BYE "):
                bye = phone.socket.recv(4096).decode()
        heads = (answers[what] + bye).split("\r\n")
        routes = [head for head in heads if "Route: " in head]
        fine = [bye.lower().startswith(f"bye {phone.contact} sip/2.0"),
                routes == [f"{name}: {phone.route}" for name in ("Record-Route", "Route") if phone.route]]
        results.tell(f"a call that leads {what} leads back", "" if all(fine) else f"{fine} {answers[what]}{bye}")
    heard = []
    with contextlib.suppress(BlockingIOError):
        heard.append(victim.recv(4096))
    with contextlib.suppress(BlockingIOError):
        heard.append(waiting.accept())
    results.tell("and nobody else hears of it", f"{heard}" if heard else "")


def connect_comes(server, seconds=3):
    return bool(select.select([server], [], [], seconds)[0])


def main():
    results = Results()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        with contextlib.ExitStack() as stack:
            def serve(*arguments, **how):
                gateway = Gateway(folder, *arguments, **how)
                stack.callback(gateway.close)
                return gateway

            main_gateway = serve(SIP, "least_interval = 4", listen=["127.0.0.1", "[::1]"])
            scenarios(folder, main_gateway, results)
            if not results.wanted:
                cancel_race(main_gateway, results)
                repeated(main_gateway, results)
                log_lines(main_gateway, results)
                full(folder, serve(SMALL, "most_calls = 2", media='"127.0.0.1"'), results)
                drained(folder, serve(DRAINED, "grace = 30"), results)
                stopped(folder, serve(STOPPED, "grace = 30"), results)
                led_elsewhere(serve(LED, "grace = 30"), results)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
