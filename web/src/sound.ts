// Microphone, loudspeaker and the connection between them and the gateway.

/** So long a direct way is tried before a relay is, in milliseconds. */
const DIRECT = 4_000;

/** Streams of other browsers that can be heard at once, beside the telephones' mix. */
const OTHERS = 5;

export class Sound {
  private peer: RTCPeerConnection | undefined;
  private stream: MediaStream | undefined;
  private relay: RTCIceServer | undefined;
  private readonly players: HTMLAudioElement[] = [];
  private muted = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly blocked: () => void,
    private readonly broken: () => void,
  ) {}

  /** Asks for a microphone; false if there is none, or its use is not allowed. */
  async openMicrophone(device?: string): Promise<boolean> {
    try {
      const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      if (device) audio.deviceId = { exact: device };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      this.stream?.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.apply();
      const track = stream.getAudioTracks()[0];
      if (track) await this.peer?.getTransceivers()[0]?.sender.replaceTrack(track);
      return true;
    } catch {
      return false;
    }
  }

  get microphone(): MediaStream | undefined {
    return this.stream;
  }

  mute(on: boolean): void {
    this.muted = on;
    this.apply();
  }

  /** A new connection, and our offer for it. No candidates are waited for: the gateway answers wherever we ask from. */
  async offer(): Promise<string> {
    this.peer?.close();
    const peer = new RTCPeerConnection(this.ways());
    this.peer = peer;
    const track = this.stream?.getAudioTracks()[0];
    peer.addTransceiver(track ?? "audio", { direction: track ? "sendrecv" : "recvonly" });
    for (let slot = 0; slot < OTHERS; slot++) peer.addTransceiver("audio", { direction: "recvonly" });
    peer.ontrack = ({ track: heard, transceiver }) => this.play(peer.getTransceivers().indexOf(transceiver), heard);
    peer.onconnectionstatechange = () => {
      if (this.peer === peer && (peer.connectionState === "disconnected" || peer.connectionState === "failed")) this.broken();
    };
    return this.describe(peer, {});
  }

  /** An offer to find a new way for the same connection; a new connection if there is none. */
  async restart(): Promise<string> {
    const peer = this.peer;
    return peer && peer.signalingState !== "closed" ? this.describe(peer, { iceRestart: true }) : this.offer();
  }

  /** A way for those whose network lets them reach nothing else: where the direct one has not worked soon, another is looked for through it. */
  relayBy(relay: RTCIceServer): void {
    this.relay = relay;
    const peer = this.peer;
    peer?.setConfiguration(this.ways());
    setTimeout(() => {
      if (this.peer === peer && !this.works) this.broken();
    }, DIRECT);
  }

  private ways(): RTCConfiguration {
    return { bundlePolicy: "max-bundle", iceServers: this.relay ? [this.relay] : [] };
  }

  get works(): boolean {
    return this.peer?.connectionState === "connected";
  }

  async accept(answer: string): Promise<void> {
    if (this.peer?.signalingState === "have-local-offer") await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  /** After the browser refused to play by itself: called from a click. */
  async unblock(): Promise<void> {
    await Promise.all(this.players.map((player) => player.play()));
  }

  close(): void {
    this.peer?.close();
    this.peer = undefined;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = undefined;
    this.players.splice(0).forEach((player) => player.remove());
  }

  private async describe(peer: RTCPeerConnection, options: RTCOfferOptions): Promise<string> {
    if (peer.signalingState === "have-local-offer") await peer.setLocalDescription({ type: "rollback" });
    const offer = await peer.createOffer(options);
    await peer.setLocalDescription(offer);
    return offer.sdp ?? "";
  }

  private play(slot: number, track: MediaStreamTrack): void {
    let player = this.players[slot];
    if (!player) {
      player = document.createElement("audio");
      player.autoplay = true;
      this.players[slot] = player;
      this.place.append(player);
    }
    player.srcObject = new MediaStream([track]);
    player.play().catch((error: DOMException) => {
      if (error.name === "NotAllowedError") this.blocked();
    });
  }

  private apply(): void {
    this.stream?.getAudioTracks().forEach((track) => (track.enabled = !this.muted));
  }
}

/** How loud a microphone is, from 0 to 1, several times a second; stops when told. */
export function watchLevel(stream: MediaStream, show: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    show(Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-12) / 6)));
  }, 100);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
