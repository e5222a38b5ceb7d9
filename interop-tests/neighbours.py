"""What stands around a gateway in tests: programs that end with the block, a name server (dnsmasq), an authority and what it vouches for, a server
that is asked by HTTPS, a provider of sign-ins as a configuration names it."""
import contextlib
import http.server
import os
import ssl
import subprocess
import threading

# What Kamailio needs for every telephone system here.
KAMAILIO_MODULES = 'mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"\n' + "".join(
    f'loadmodule "{name}.so"\n' for name in ("tls", "kex", "pv", "tm", "sl", "rr", "maxfwd", "textops", "siputils"))

# A key on P-256, without a password.
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@contextlib.contextmanager
def running(*command, **how):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def name_server(folder, at, records):
    """Answers there (address and port) with these lines of dnsmasq's, and asks nobody."""
    (folder / "names.conf").write_text(f"no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlocal=/example/\n{records}")
    address, port = at.split(":")
    user = [] if os.getuid() else ["--user=root"]
    return running("dnsmasq", f"--conf-file={folder}/names.conf", f"--listen-address={address}", f"--port={port}", "--pid-file=", *user)


def hosts(**places):
    """Names below stadt.example, and the address of each."""
    return "".join(f"host-record={name}.stadt.example,{address}\n" for name, address in places.items())


def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def vouched(folder, name, *names):
    """An authority (ca.pem), and a certificate (name.pem, name.key) for these names that it vouches for."""
    openssl("req", "-x509", *KEY, "-days", "2", "-subj", "/CN=Stadt", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE", folder=folder)
    openssl("req", "-new", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=folder)
    (folder / f"{name}.ext").write_text(f"subjectAltName={','.join(f'DNS:{one}' for one in names)}\nbasicConstraints=critical,CA:FALSE\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{name}.ext", "-out", f"{name}.pem", folder=folder)


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers, whether or not somebody still listens, and writes no log."""

    def says(self, status, content, headers=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *_):
        pass


def https_server(place, answers, folder, name):
    """Is asked there, with the certificate that was made out under this name; until it is shut down."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    server = http.server.ThreadingHTTPServer(place, answers)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # browsers hang up when they like
    # Each connection shakes hands on a thread of its own: one that is slow holds up nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def sign_in_by(folder, issuer, console, **groups):
    """The part of a configuration that names a provider of sign-ins, and which group has which role."""
    roles = "".join(f'[[oidc.roles]]\ngroup = "{group.replace("_", "-")}"\nrole = "{role}"\n' for group, role in groups.items())
    return f"""[[processors]]
name = "Rechenzentrum"
purposes = ["oidc"]
country = "DE"
networks = ["198.51.100.0/24"]
[oidc]
issuer = "{issuer}"
client_id = "einwahl"
client_secret_file = "{folder}/secret"
console = "{console}"
button = "Stadt-Login"
ca = "{folder}/ca.pem"
{roles}"""
