"""An institution without a gateway of ours: a SIP proxy (Kamailio) with telephones behind it, which finds other institutions by DNS (dnsmasq)
and calls them by mutual TLS. As docs/federation.md tells how to set one up."""
import base64
import contextlib
import hashlib
import subprocess

from neighbours import KAMAILIO_MODULES, KEY, name_server, openssl
from trunk_town import await_port

PROXY, TELEPHONE, OTHER = "127.3.0.1", "127.3.0.2", "127.3.0.9"
NAMES = "127.0.0.53"

KAMAILIO = """
debug=2
log_stderror=yes
children=2
enable_tls=yes
listen=udp:{proxy}:5060
listen=tls:{proxy}:5061
tcp_connection_lifetime=4000
{modules}loadmodule "xlog.so"
modparam("tls", "config", "{folder}/tls.cfg")
request_route {{
    if (!mf_process_maxfwd_header("10")) exit;
    if (has_totag()) {{ loose_route(); t_relay(); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (!is_method("INVITE") || $rd != "stadt-a.example") {{ sl_send_reply("404", "Not Found"); exit; }}
    record_route();
    # From where the registry says that we come, to where _sips._tcp.stadt-a.example leads.
    $fs = "tls:{proxy}:5061";
    $du = "sip:" + $rd + ";transport=tls";
    t_on_reply("FEDERATION");
    t_relay();
}}
# The authority vouches for the certificate; that it is made out to whom we called is ours to look at (RFC 5922).
onreply_route[FEDERATION] {{
    if ($tls_peer_san_uri != "sip:stadt-a.example") {{ xlog("L_ERR", "made out to $tls_peer_san_uri\\n"); drop; }}
    xlog("L_WARN", "made out to $tls_peer_san_uri: $rs\\n");
}}
"""

TLS = """
[server:default]
method = TLSv1.2+
certificate = {folder}/c.pem
private_key = {folder}/c.key
[client:default]
method = TLSv1.2+
certificate = {folder}/c.pem
private_key = {folder}/c.key
verify_certificate = yes
require_certificate = yes
ca_list = {folder}/{ca}.pem
"""

DNS = """
host-record=sip.stadt-a.example,127.1.0.1
srv-host=_sips._tcp.stadt-a.example,sip.stadt-a.example,5061,10,50
local-ttl=300
"""


def certificates(folder):
    """An authority, a stranger to it, and what they made out: for us, for C, for a system without a pin, and for others with C's own key."""
    for name in ("ca", "stranger"):
        openssl("req", "-x509", *KEY, "-days", "30", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder)
    for name in ("a", "c", "d", "e", "old", "nobody"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", folder=folder)
    town = lambda name: f"URI:sip:stadt-{name}.example,DNS:stadt-{name}.example"
    for name, key, names in (("a", "a", town("a")), ("c", "c", town("c")), ("d", "d", town("d")), ("e", "e", town("e")), ("old", "old", town("c")),
                             ("nobody", "nobody", town("c")), ("other", "c", town("x")), ("wildcard", "c", "DNS:*.example,DNS:sip.stadt-c.example"),
                             ("plain", "c", "DNS:stadt-c.example")):
        (folder / "names").write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", "-key", f"{key}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr", folder=folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "names",
                "-out", f"{name}.pem", folder=folder)


def pin(folder, name):
    der = subprocess.run(["openssl", "pkey", "-in", f"{name}.key", "-pubout", "-outform", "DER"], cwd=folder, check=True, capture_output=True).stdout
    return "sha256:" + base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


@contextlib.contextmanager
def proxy(folder, ca="ca"):
    """Kamailio; it believes this authority."""
    run = folder / f"run-{ca}"
    run.mkdir()
    (run / "tls.cfg").write_text(TLS.format(folder=folder, ca=ca))
    (run / "kamailio.cfg").write_text(KAMAILIO.format(modules=KAMAILIO_MODULES, folder=run, proxy=PROXY))
    (run / "resolv.conf").write_text(f"nameserver {NAMES}\n")
    log = open(run / "log", "w", encoding="utf-8")
    # It asks the server that the system names: here, another one.
    shell = f'mount --bind {run}/resolv.conf "$(realpath /etc/resolv.conf)" && exec kamailio -DD -E -f {run}/kamailio.cfg -Y {run} -m 64 -M 8'
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", shell], stdout=log, stderr=log)
    try:
        await_port(PROXY, 5061)
        yield lambda: (run / "log").read_text(encoding="utf-8", errors="replace")
    finally:
        process.terminate()
        process.wait(10)


def names(folder):
    return name_server(folder, f"{NAMES}:53", DNS)
