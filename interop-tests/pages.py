"""Real pages in headless Chromium, on loopback, and what they hear."""
import pathlib
import sys

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
]

# A browser takes a steady tone for noise and removes it: the tests send what they say as it is.
AS_IT_IS = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wish) => ask({ ...wish, audio: { ...wish.audio,
    echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
"""

# Lets a test cut what the page is connected by.
HANDLES = """
window.cut = { sockets: [], peers: [] };
const [Socket, Peer] = [WebSocket, RTCPeerConnection];
window.WebSocket = class extends Socket { constructor(...all) { super(...all); window.cut.sockets.push(this); } };
window.RTCPeerConnection = class extends Peer { constructor(...all) { super(...all); window.cut.peers.push(this); } };
"""

# All that the page plays, added up, as numbers from -1 to 1.
RECORD = """
async (seconds) => {
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const recorder = context.createScriptProcessor(4096, 1, 1);
    const heard = [];
    recorder.onaudioprocess = (event) => heard.push(...event.inputBuffer.getChannelData(0));
    for (const player of document.querySelectorAll("audio")) {
        const source = context.createMediaStreamSource(player.srcObject);
        const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
        source.connect(mono).connect(recorder);
    }
    recorder.connect(context.destination);
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    await context.close();
    return heard;
}
"""


class Findings:
    """Says what was seen, and counts what is wrong. With a folder for screenshots, if the script was given one."""
    def __init__(self):
        self.screenshots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
        if self.screenshots:
            self.screenshots.mkdir(parents=True, exist_ok=True)
        self.passed, self.faults = 0, []

    def check(self, what, fine, detail=""):
        self.passed += bool(fine)
        print(f"{'ok   ' if fine else 'WRONG'} {what} {detail}", flush=True)
        if not fine:
            self.faults.append(what)


class Page:
    """One person in one Chromium of their own, who says what is in a WAV file."""

    def __init__(self, playwright, address, sound, name, size=(1280, 800), locale="de-DE", before=""):
        flags = FLAGS + [f"--use-file-for-fake-audio-capture={pathlib.Path(sound).resolve()}"]
        self.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = self.browser.new_context(ignore_https_errors=True, locale=locale,
                                           viewport={"width": size[0], "height": size[1]}, permissions=["microphone"])
        self.page = context.new_page()
        self.page.add_init_script(AS_IT_IS)
        if before:
            self.page.add_init_script(before)
        self.errors, self.hosts = [], set()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.goto(address)
        self.name = name

    def joins(self, pin):
        """Joins as the form asks: first without a PIN, then with it."""
        self.page.fill("#name", self.name)
        self.page.click("button[type=submit]")
        self.page.fill("#pin", pin)
        self.page.click("button[type=submit]")

    def is_inside(self):
        self.page.wait_for_selector(".people .person", timeout=10_000)

    def records(self, seconds):
        return self.page.evaluate(RECORD, seconds)

    def roster(self):
        return [" ".join(text.split()) for text in self.page.locator(".person .who").all_inner_texts()]

    def leaves(self):
        self.page.click(".controls:not(.lead) .leave")

    def ends(self):
        self.browser.close()
