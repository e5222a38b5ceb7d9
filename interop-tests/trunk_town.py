"""A telephone system (Kamailio) with a telephone behind it, and names (dnsmasq) that lead there; all on loopback."""
import contextlib
import socket
import time

from neighbours import KAMAILIO_MODULES, KEY, name_server, openssl, running
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
listen=tcp:127.0.0.22:5060
listen=tls:127.0.0.23:5061
listen=udp:127.0.0.24:5060
listen=udp:127.0.0.25:5060
{modules}loadmodule "usrloc.so"
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
host-record=pbx.stadt.example,{PBX}
host-record=other.stadt.example,{PBX}
host-record=tls.stadt.example,127.0.0.23
host-record=zweiter.stadt.example,127.0.0.24
host-record=elsewhere.example,198.51.100.7
host-record=dead.stadt.example,127.0.0.21
srv-host=_sip._udp.dienst.example,dead.stadt.example,5060,10,50
srv-host=_sip._udp.dienst.example,zweiter.stadt.example,5060,20,50
srv-host=_sip._tcp.zeiger.example,pbx.stadt.example,5060,10,50
naptr-record=zeiger.example,10,10,s,SIP+D2T,,_sip._tcp.zeiger.example
srv-host=_sip._udp.leer.example,gone.leer.example,5060,10,50
"""


def certificates(folder):
    """An authority, a stranger, a certificate of today and one whose time is over."""
    for name in ("ca", "stranger"):
        openssl("req", "-x509", *KEY, "-days", "30", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder)
    (folder / "names").write_text("subjectAltName=DNS:pbx.stadt.example,DNS:tls.stadt.example\n")
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text("[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n"
                                   "rand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n")
    now = time.time()
    for name, ends in (("pbx", now + 86400), ("old", now - 86400)):
        openssl("req", *KEY, "-subj", "/CN=pbx.stadt.example", "-keyout",
                f"{name}.key", "-out", f"{name}.csr", folder=folder)
        moment = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (now - 10 * 86400, ends)]
        openssl("ca", "-batch", "-config", "ca.cnf", "-notext", "-extfile", "names", "-startdate", moment[0], "-enddate", moment[1], "-in",
                f"{name}.csr", "-out", f"{name}.pem", folder=folder)


@contextlib.contextmanager
def town(folder, algorithm="MD5"):
    """DNS, a telephone system and a telephone behind it."""
    certificates(folder)
    (folder / "tls.cfg").write_text(TLS.format(folder=folder, pbx=PBX))
    (folder / "kamailio.cfg").write_text(KAMAILIO.format(modules=KAMAILIO_MODULES, folder=folder, pbx=PBX, password=PASSWORD, algorithm=algorithm))
    for name, content in (("password", PASSWORD), ("wrong", "falsch")):
        (folder / name).write_text(content + "\n")
        (folder / name).chmod(0o600)
    (folder / "run").mkdir()
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind((PBX, 5998))
    dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dead.bind(("127.0.0.21", 5060))
    with name_server(folder, DNS, NAMES), \
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
