#!/usr/bin/env python3
"""Faults injected into a trunk (Kamailio, DNS by dnsmasq, a telephone behind it), and what `einwahl trunk check` calls them.

Usage: trunk_doctor.py PATH_OF_EINWAHL. Prints a table (fault, verdict, seconds); fails if a fault in twenty is named wrongly, if
one takes a minute, or if anything is found on a healthy trunk. Everything runs on loopback and ends by itself.
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from trunk_phone import Phone

PBX = "127.0.0.20"
DNS = "127.0.0.53:5353"
USER, PASSWORD = "493090180", "geheim"

KAMAILIO = """
debug=0
log_stderror=yes
children=2
enable_tls=yes
listen=udp:{pbx}:5060
listen=tcp:{pbx}:5060
listen=tls:{pbx}:5061
listen=tls:{pbx}:5062
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tls.so"
loadmodule "kex.so"
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "cfgutils.so"
loadmodule "corex.so"
modparam("tls", "config", "{folder}/tls.cfg")
modparam("auth", "algorithm", "{algorithm}")
modparam("registrar", "max_contacts", 4)
request_route {{
    if (!mf_process_maxfwd_header("10")) exit;
    if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "OK"); exit; }}
    if (has_totag()) {{
        loose_route();
        if (is_method("ACK") && !t_check_trans() && $du == $null && $rU == $null) exit;
        t_relay();
        exit;
    }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (src_ip == 127.0.0.40) {{ save("location"); exit; }}
    if ($fU == "loop") {{
        append_to_reply("WWW-Authenticate: Digest realm=\\"stadt\\", nonce=\\"$RANDOM\\", stale=true\\r\\n");
        sl_send_reply("401", "Unauthorized");
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("stadt", "{password}", "0")) {{ www_challenge("stadt", "1"); exit; }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    if (!pv_proxy_authenticate("stadt", "{password}", "0")) {{ proxy_challenge("stadt", "1"); exit; }}
    consume_credentials();
    if ($rU == "1503") {{ append_to_reply("Retry-After: 30\\r\\n"); sl_send_reply("503", "Service Unavailable"); exit; }}
    if ($rU == "1403") {{ sl_send_reply("403", "Caller not allowed"); exit; }}
    if (!($rU =~ "^10[0-9][0-9]$")) {{ sl_send_reply("404", "Not Found"); exit; }}
    record_route();
    $du = "sip:127.0.0.30:5080";
    t_relay();
}}
"""

TLS = """
[server:default]
method = TLSv1.2+
certificate = {folder}/pbx.pem
private_key = {folder}/pbx.key
[server:{pbx}:5062]
method = TLSv1.2+
certificate = {folder}/old.pem
private_key = {folder}/old.key
[client:default]
verify_certificate = no
"""

NAMES = f"""
no-resolv
no-hosts
no-daemon
bind-interfaces
local=/example/
host-record=pbx.stadt.example,{PBX}
host-record=other.stadt.example,{PBX}
host-record=elsewhere.example,198.51.100.7
host-record=dead.stadt.example,127.0.0.21
srv-host=_sip._udp.dienst.example,dead.stadt.example,5060,10,50
srv-host=_sip._udp.dienst.example,pbx.stadt.example,5060,20,50
srv-host=_sip._tcp.zeiger.example,pbx.stadt.example,5060,10,50
naptr-record=zeiger.example,10,10,s,SIP+D2T,,_sip._tcp.zeiger.example
srv-host=_sip._udp.leer.example,gone.leer.example,5060,10,50
"""


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


def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, a stranger, a certificate of today and one whose time is over."""
    for name in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder)
    (folder / "names").write_text("subjectAltName=DNS:pbx.stadt.example\n")
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text("[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n"
                                   "rand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n")
    now = time.time()
    for name, ends in (("pbx", now + 86400), ("old", now - 86400)):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=pbx.stadt.example", "-keyout",
                f"{name}.key", "-out", f"{name}.csr", folder=folder)
        moment = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (now - 10 * 86400, ends)]
        openssl("ca", "-batch", "-config", "ca.cnf", "-notext", "-extfile", "names", "-startdate", moment[0], "-enddate", moment[1], "-in",
                f"{name}.csr", "-out", f"{name}.pem", folder=folder)


@contextlib.contextmanager
def running(*command, **how):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def town(folder, algorithm="MD5"):
    """DNS, a telephone system and a telephone behind it."""
    certificates(folder)
    (folder / "tls.cfg").write_text(TLS.format(folder=folder, pbx=PBX))
    (folder / "kamailio.cfg").write_text(KAMAILIO.format(folder=folder, pbx=PBX, password=PASSWORD, algorithm=algorithm))
    (folder / "names.conf").write_text(NAMES)
    for name, content in (("password", PASSWORD), ("wrong", "falsch")):
        (folder / name).write_text(content + "\n")
        (folder / name).chmod(0o600)
    (folder / "run").mkdir()
    address, port = DNS.split(":")
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind((PBX, 5998))
    dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dead.bind(("127.0.0.21", 5060))
    user = [] if os.getuid() else ["--user=root"]
    with running("dnsmasq", f"--conf-file={folder}/names.conf", f"--listen-address={address}", f"--port={port}", "--pid-file=", *user), \
            running("kamailio", "-DD", "-E", "-f", f"{folder}/kamailio.cfg", "-Y", f"{folder}/run", "-m", "64", "-M", "8"):
        await_port(PBX, 5061)
        phone = Phone()
        try:
            yield
        finally:
            phone.close()
            deaf.close()
            dead.close()


def await_port(address, port):
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens at {address}:{port}")


def register_elsewhere():
    """Another machine has registered with the account `stale`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.40", 5060))
        other.settimeout(5)
        other.sendto((f"REGISTER sip:{PBX} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.40:5060;branch=z9hG4bK1\r\nFrom: <sip:stale@{PBX}>;tag=1\r\n"
                      f"To: <sip:stale@{PBX}>\r\nCall-ID: other\r\nCSeq: 1 REGISTER\r\nContact: <sip:stale@127.0.0.40:5060>\r\n"
                      "Expires: 600\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), (PBX, 5060))
        assert b" 200 " in other.recv(4096).splitlines()[0]


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
            backup = pool.submit(examine, folder, "backup", trunk("sip:dienst.example", transports=["udp"]), "1000")
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
