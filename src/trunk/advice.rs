//! What a finding means, and what to do about it: in plain words, German and English. In: a [`Fault`]. Out: its name for
//! programs, one sentence that says what was seen, and one that says what to do.

use super::diagnosis::{CodecTrouble, Fault, HoldTrouble, Place, TimerTrouble};
use super::seen::{Directory, TlsTrouble};
use crate::words::Language;

impl Fault {
    /// Its name for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Dns(Directory::Outside(_) | Directory::PartlyOutside(_)) => "dns-outside",
            Self::Dns(_) => "dns",
            Self::Refused(_) => "refused",
            Self::NoRoute(_) => "no-route",
            Self::Silent(_) => "silent",
            Self::Broken(_) => "broken",
            Self::Tls(TlsTrouble::WrongName) => "tls-name",
            Self::Tls(TlsTrouble::Expired | TlsTrouble::NotYet) => "tls-expired",
            Self::Tls(TlsTrouble::UnknownIssuer) => "tls-issuer",
            Self::Tls(TlsTrouble::Version) => "tls-version",
            Self::Tls(TlsTrouble::NotTls) => "tls-none",
            Self::Tls(TlsTrouble::WantsOurs | TlsTrouble::Other(_)) => "tls",
            Self::Overload { .. } => "overload",
            Self::WrongPassword { .. } => "wrong-password",
            Self::NoAccount { .. } => "no-account",
            Self::UnknownChallenge(_) => "unknown-challenge",
            Self::ChallengeLoop => "challenge-loop",
            Self::Forbidden { .. } => "forbidden",
            Self::NotRegistered => "not-registered",
            Self::StaleRegistration { .. } => "stale-registration",
            Self::WrongNumber { .. } => "wrong-number",
            Self::NotAnswered { .. } => "not-answered",
            Self::CallRefused { .. } => "call-refused",
            Self::Srtp => "srtp",
            Self::Codec(_) => "codec",
            Self::NatThere { .. } | Self::NatHere { .. } => "nat",
            Self::NothingHeard { .. } => "one-way-audio",
            Self::SoundFromElsewhere { .. } => "sound-from-elsewhere",
            Self::Dtmf { .. } => "dtmf",
            Self::Hold(_) => "hold",
            Self::SessionTimer(_) => "session-timer",
            Self::HungUp { .. } => "hung-up",
        }
    }

    /// What was seen.
    pub fn says(&self, language: Language) -> String {
        match language {
            Language::De => self.sagt(),
            Language::En => self.tells(),
        }
    }

    /// What to do.
    pub fn help(&self, language: Language) -> &'static str {
        let (de, en) = self.advice();
        match language {
            Language::De => de,
            Language::En => en,
        }
    }

    fn tells(&self) -> String {
        match self {
            Self::Dns(Directory::NoSuchName(name)) => format!("DNS knows no name {name}."),
            Self::Dns(Directory::NoAddress(name)) => {
                format!(
                    "DNS knows {name}, but no address that can be called (SRV leads nowhere, or A and AAAA are missing)."
                )
            }
            Self::Dns(Directory::NoAnswer(why)) => format!("DNS does not answer: {why}."),
            Self::Dns(Directory::Outside(addresses) | Directory::PartlyOutside(addresses)) => {
                format!("DNS leads to {}, which is in none of the trunk's networks.", list(addresses))
            }
            Self::Dns(Directory::Found) => String::from("DNS leads nowhere."),
            Self::Refused(at) => format!("{at} is there, but nobody listens at that port."),
            Self::NoRoute(at) => format!("No route leads to {at}."),
            Self::Silent(at) => format!("{at} does not answer: neither yes nor no comes back."),
            Self::Broken(why) => format!("The connection breaks: {why}."),
            Self::Tls(trouble) => tls_in_english(trouble),
            Self::Overload { status, retry_after } => {
                format!("The trunk takes nothing at the moment ({status}{}).", after(*retry_after))
            }
            Self::WrongPassword { realm } => {
                format!("The trunk does not take our user and password (realm \"{realm}\").")
            }
            Self::NoAccount { realm } => {
                format!("The trunk asks who we are (realm \"{realm}\"), and no user is configured.")
            }
            Self::UnknownChallenge(why) => {
                format!("The trunk asks who we are in a way that cannot be answered: {why}.")
            }
            Self::ChallengeLoop => String::from(
                "The trunk asks again and again who we are: it calls each of its own questions out of date.",
            ),
            Self::Forbidden { status, phrase } => format!("The trunk refuses us: {status} {phrase}."),
            Self::NotRegistered => String::from("The trunk knows no address of ours: calls from it do not reach us."),
            Self::StaleRegistration { at } => {
                format!("The trunk calls us at {}, where this gateway is not.", at.join(", "))
            }
            Self::WrongNumber { status } => format!("The trunk does not know the number of the test call ({status})."),
            Self::NotAnswered { status } => {
                format!("The test call was not answered ({status}): nothing can be said of the sound.")
            }
            Self::CallRefused { status, phrase } => format!("The trunk refuses the test call: {status} {phrase}."),
            Self::Srtp => String::from("The trunk takes no encrypted sound (SRTP), which its settings here require."),
            Self::Codec(CodecTrouble::Refused(status)) => format!("The trunk takes none of our codecs ({status})."),
            Self::Codec(CodecTrouble::Unusable(why)) => {
                format!("What the trunk answers to our codecs cannot be used: {why}.")
            }
            Self::Codec(CodecTrouble::Other { agreed, came }) => {
                format!("The trunk sends another codec than it agreed on: payload type {came} in place of {agreed}.")
            }
            Self::NatThere { place, address, peer } => {
                let place = name_of(*place);
                format!(
                    "The trunk names {address} in its {place}, an inner address that leads nowhere from here; we know it as {peer}."
                )
            }
            Self::NatHere { told, seen_as } => {
                format!(
                    "We call from {told}, but the trunk sees us as {seen_as}: an address translation is between us."
                )
            }
            Self::NothingHeard { at } => format!("Not one packet of sound came, though {at} promised to send."),
            Self::SoundFromElsewhere { from, named } => {
                format!("Its sound comes from {from}, but it named {named}.")
            }
            Self::Dtmf { info: true } => {
                String::from("The trunk takes no keys in the sound (telephone-event), only as SIP INFO.")
            }
            Self::Dtmf { info: false } => String::from("The trunk takes no keys as telephone-events (RFC 4733)."),
            Self::Hold(trouble) => match trouble {
                HoldTrouble::Refused(status) => format!("A call cannot be put on hold: the re-INVITE gets {status}."),
                HoldTrouble::Silent => String::from("A call cannot be put on hold: the re-INVITE gets no answer."),
                HoldTrouble::Drops => String::from("A call that is put on hold is cut off."),
                HoldTrouble::StaysSilent => String::from("After hold the trunk stays silent."),
            },
            Self::SessionTimer(trouble) => match trouble {
                TimerTrouble::Interval { least: Some(least) } => {
                    format!("No session interval is long enough for the trunk (422, Min-SE {least}).")
                }
                TimerTrouble::Interval { least: None } => {
                    String::from("The trunk refuses our session interval (422), and does not say which it wants.")
                }
                TimerTrouble::Refused(status) => format!("The trunk refuses a refresh of the session ({status})."),
                TimerTrouble::Silent => String::from("The trunk does not answer a refresh of the session."),
                TimerTrouble::Drops => String::from("The call is cut off when its session is refreshed."),
            },
            Self::HungUp { why } => format!("The trunk hung up by itself{}.", because(why.as_deref())),
        }
    }

    fn sagt(&self) -> String {
        match self {
            Self::Dns(Directory::NoSuchName(name)) => format!("DNS kennt keinen Namen {name}."),
            Self::Dns(Directory::NoAddress(name)) => {
                format!("DNS kennt {name}, aber keine Adresse dazu (SRV führt ins Leere, oder A und AAAA fehlen).")
            }
            Self::Dns(Directory::NoAnswer(why)) => format!("DNS antwortet nicht: {why}."),
            Self::Dns(Directory::Outside(addresses) | Directory::PartlyOutside(addresses)) => {
                format!("DNS führt zu {}; das liegt in keinem der Netze des Trunks.", list(addresses))
            }
            Self::Dns(Directory::Found) => String::from("DNS führt nirgendwohin."),
            Self::Refused(at) => format!("{at} ist da, aber an diesem Port hört niemand."),
            Self::NoRoute(at) => format!("Kein Weg führt zu {at}."),
            Self::Silent(at) => format!("{at} antwortet nicht: weder ja noch nein kommt zurück."),
            Self::Broken(why) => format!("Die Verbindung bricht ab: {why}."),
            Self::Tls(trouble) => tls_auf_deutsch(trouble),
            Self::Overload { status, retry_after } => {
                format!("Der Trunk nimmt zurzeit nichts an ({status}{}).", nach(*retry_after))
            }
            Self::WrongPassword { realm } => {
                format!("Der Trunk nimmt unser Konto nicht an: Name oder Passwort ist falsch (Bereich „{realm}“).")
            }
            Self::NoAccount { realm } => {
                format!("Der Trunk fragt, wer wir sind (Bereich „{realm}“), und es ist kein Konto eingetragen.")
            }
            Self::UnknownChallenge(why) => {
                format!("Der Trunk fragt auf eine Weise, wer wir sind, die sich nicht beantworten lässt: {why}.")
            }
            Self::ChallengeLoop => String::from(
                "Der Trunk fragt wieder und wieder, wer wir sind: er hält jede seiner Fragen für veraltet.",
            ),
            Self::Forbidden { status, phrase } => format!("Der Trunk weist uns ab: {status} {phrase}."),
            Self::NotRegistered => {
                String::from("Der Trunk kennt keine Adresse von uns: seine Anrufe erreichen uns nicht.")
            }
            Self::StaleRegistration { at } => {
                format!("Der Trunk ruft uns an unter {}; dort ist dieses Gateway nicht.", at.join(", "))
            }
            Self::WrongNumber { status } => format!("Der Trunk kennt die Nummer des Probeanrufs nicht ({status})."),
            Self::NotAnswered { status } => {
                format!("Der Probeanruf wurde nicht angenommen ({status}): über den Ton lässt sich nichts sagen.")
            }
            Self::CallRefused { status, phrase } => format!("Der Trunk weist den Probeanruf ab: {status} {phrase}."),
            Self::Srtp => String::from(
                "Der Trunk nimmt keinen verschlüsselten Ton (SRTP), den seine Einstellungen hier verlangen.",
            ),
            Self::Codec(CodecTrouble::Refused(status)) => format!("Der Trunk nimmt keinen unserer Codecs ({status})."),
            Self::Codec(CodecTrouble::Unusable(why)) => {
                format!("Was der Trunk auf unsere Codecs antwortet, ist unbrauchbar: {why}.")
            }
            Self::Codec(CodecTrouble::Other { agreed, came }) => {
                format!("Der Trunk sendet einen anderen Codec als vereinbart: Payload-Typ {came} statt {agreed}.")
            }
            Self::NatThere { place, address, peer } => {
                let place = name_of(*place);
                format!(
                    "Der Trunk nennt in {place} {address}, eine innere Adresse, die von hier aus ins Leere führt; wir kennen ihn als {peer}."
                )
            }
            Self::NatHere { told, seen_as } => {
                format!(
                    "Wir rufen von {told} an, der Trunk sieht uns aber als {seen_as}: dazwischen werden Adressen umgesetzt (NAT)."
                )
            }
            Self::NothingHeard { at } => format!("Kein einziges Tonpaket kam, obwohl {at} senden wollte."),
            Self::SoundFromElsewhere { from, named } => format!("Der Ton kommt von {from}, genannt war {named}."),
            Self::Dtmf { info: true } => {
                String::from("Der Trunk nimmt Tasten nicht im Ton (telephone-event), sondern nur als SIP INFO.")
            }
            Self::Dtmf { info: false } => String::from("Der Trunk nimmt keine Tasten als telephone-event (RFC 4733)."),
            Self::Hold(trouble) => match trouble {
                HoldTrouble::Refused(status) => {
                    format!("Ein Anruf lässt sich nicht halten: das re-INVITE bekommt {status}.")
                }
                HoldTrouble::Silent => {
                    String::from("Ein Anruf lässt sich nicht halten: das re-INVITE bekommt keine Antwort.")
                }
                HoldTrouble::Drops => String::from("Ein Anruf, der gehalten wird, bricht ab."),
                HoldTrouble::StaysSilent => String::from("Nach dem Halten bleibt der Trunk stumm."),
            },
            Self::SessionTimer(trouble) => match trouble {
                TimerTrouble::Interval { least: Some(least) } => {
                    format!("Keine Sitzungsdauer ist dem Trunk lang genug (422, Min-SE {least}).")
                }
                TimerTrouble::Interval { least: None } => {
                    String::from("Der Trunk weist unsere Sitzungsdauer ab (422) und sagt nicht, welche er will.")
                }
                TimerTrouble::Refused(status) => {
                    format!("Der Trunk weist eine Auffrischung der Sitzung ab ({status}).")
                }
                TimerTrouble::Silent => String::from("Der Trunk beantwortet keine Auffrischung der Sitzung."),
                TimerTrouble::Drops => String::from("Der Anruf bricht ab, wenn seine Sitzung aufgefrischt wird."),
            },
            Self::HungUp { why } => format!("Der Trunk hat von selbst aufgelegt{}.", because(why.as_deref())),
        }
    }

    /// In German and in English.
    const fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Self::Dns(Directory::Outside(_) | Directory::PartlyOutside(_)) => (
                "Gehört die Adresse dem Trunk, tragen Sie sie unter `networks` ein; sonst fragen Sie, wem der Name gehört.",
                "If the address is the trunk's own, add it to `networks`; if not, ask who owns the name.",
            ),
            Self::Dns(Directory::NoAnswer(_)) => (
                "Prüfen Sie den DNS-Server dieses Rechners (/etc/resolv.conf) oder `[sip] dns`.",
                "Look at the DNS server of this machine (/etc/resolv.conf), or at `[sip] dns`.",
            ),
            Self::Dns(_) => (
                "Prüfen Sie den Namen in `dial`; der Betreiber sagt, ob er SRV hat oder einen Port braucht (sip:NAME:5060).",
                "Check the name in `dial`; its operator knows whether it has SRV or needs a port (sip:NAME:5060).",
            ),
            Self::Refused(_) => (
                "Prüfen Sie Port und Transport in `dial`, und ob die Anlage läuft.",
                "Check port and transport in `dial`, and whether the telephone system runs.",
            ),
            Self::NoRoute(_) => (
                "Dem Rechner fehlt ein Weg: Netzwerk, VPN oder Standard-Route prüfen.",
                "This machine lacks a way there: check network, VPN or default route.",
            ),
            Self::Silent(_) => (
                "Meist verwirft eine Firewall die Pakete, oder die Anlage kennt unsere Adresse nicht und schweigt: beides dort prüfen lassen.",
                "Mostly a firewall drops the packets, or the telephone system does not know our address and keeps silent: have both checked there.",
            ),
            Self::Broken(_) => (
                "Versuchen Sie einen anderen Transport in `dial`; hilft das nicht, geben Sie dem Betreiber den Mitschnitt.",
                "Try another transport in `dial`; if that does not help, give the ladder to its operator.",
            ),
            Self::Tls(trouble) => advice_on_tls(trouble),
            Self::Overload { .. } => (
                "Warten Sie, oder lassen Sie dem Trunk mehr gleichzeitige Anrufe geben (und setzen Sie `most_calls`).",
                "Wait, or have more calls at once granted to the trunk (and set `most_calls`).",
            ),
            Self::WrongPassword { .. } => (
                "Vergleichen Sie `user` und den Inhalt von `password_file` mit den Zugangsdaten; die Datei darf nur das Passwort enthalten.",
                "Compare `user` and what is in `password_file` with the access data; the file may hold nothing but the password.",
            ),
            Self::NoAccount { .. } => (
                "Tragen Sie `user` und `password_file` ein, oder lassen Sie unsere Adresse dort freischalten.",
                "Set `user` and `password_file`, or have our address admitted there.",
            ),
            Self::UnknownChallenge(_) => (
                "Lassen Sie Digest mit SHA-256 oder MD5 einschalten.",
                "Have digest with SHA-256 or MD5 switched on there.",
            ),
            Self::ChallengeLoop => (
                "Dort sind mehrere Rechner, die die Fragen der anderen nicht kennen, oder die Uhr geht falsch: dem Betreiber melden.",
                "There are several machines that do not know each other's questions, or a clock is wrong: tell the operator.",
            ),
            Self::Forbidden { .. } => (
                "Fragen Sie den Betreiber, ob Konto, Rufnummer (`identity`) und unsere Adresse zugelassen sind.",
                "Ask the operator whether account, number (`identity`) and our address are admitted.",
            ),
            Self::NotRegistered => (
                "Läuft das Gateway? Sein Log und `GET /api/v1/trunks` sagen, warum die Anmeldung fehlt.",
                "Does the gateway run? Its log and `GET /api/v1/trunks` say why the registration is missing.",
            ),
            Self::StaleRegistration { .. } => (
                "Ein anderer Rechner ist mit diesem Konto angemeldet, oder unsere Adresse hat gewechselt: jenen abmelden, dann das Gateway neu starten.",
                "Another machine is registered with this account, or our address has changed: sign that one off, then restart the gateway.",
            ),
            Self::WrongNumber { .. } => (
                "Prüfen Sie `test` oder `--call`: so schreiben, wie der Trunk Nummern erwartet (+49…, 0049…, 0…, Nebenstelle).",
                "Check `test` or `--call`: write it as the trunk expects numbers (+49…, 0049…, 0…, an extension).",
            ),
            Self::NotAnswered { .. } => (
                "Wählen Sie mit `--call` eine Nummer, die immer annimmt, etwa eine Ansage.",
                "Choose a number that always answers, such as an announcement, with `--call`.",
            ),
            Self::CallRefused { .. } => (
                "Der Mitschnitt zeigt die Antwort; der Betreiber kennt ihren Grund.",
                "The ladder shows the answer; the operator knows its reason.",
            ),
            Self::Srtp => (
                "Schalten Sie dort SRTP mit SDES ein (AES_CM_128_HMAC_SHA1_80), oder nehmen Sie `srtp = \"required\"` beim Trunk zurück.",
                "Switch SRTP with SDES on there (AES_CM_128_HMAC_SHA1_80), or take `srtp = \"required\"` of the trunk back.",
            ),
            Self::Codec(CodecTrouble::Refused(_)) => (
                "Geben Sie dem Trunk `codecs = [\"PCMA\", \"PCMU\"]`, und lassen Sie dort G.711 zu.",
                "Give the trunk `codecs = [\"PCMA\", \"PCMU\"]`, and have G.711 admitted there.",
            ),
            Self::Codec(_) => (
                "Geben Sie dem Trunk genau einen Codec (`codecs = [\"PCMA\"]`); die Anlage hält sich nicht an ihre Antwort.",
                "Give the trunk one codec alone (`codecs = [\"PCMA\"]`); the telephone system does not keep to its answer.",
            ),
            Self::NatThere { .. } => (
                "In der Anlage ihre öffentliche Adresse eintragen (Asterisk: external_media_address, external_signaling_address; sonst „externe IP“) und SIP-ALG im Router ausschalten.",
                "Tell the telephone system its public address (Asterisk: external_media_address, external_signaling_address; elsewhere \"external IP\"), and switch off SIP ALG in the router.",
            ),
            Self::NatHere { .. } => (
                "Tragen Sie unsere öffentliche Adresse ein (`[media] address`), öffnen Sie die Ports in der Firewall, und schalten Sie SIP-ALG im Router aus.",
                "Configure our public address (`[media] address`), open the ports in the firewall, and switch off SIP ALG in the router.",
            ),
            Self::NothingHeard { .. } => (
                "Die Firewall muss UDP von dort zu unseren Tonports (`[media] first_port` bis `last_port`) durchlassen; sonst sendet die Anlage an eine falsche Adresse.",
                "The firewall has to let UDP from there in to our ports for sound (`[media] first_port` to `last_port`); else the telephone system sends to a wrong address.",
            ),
            Self::SoundFromElsewhere { .. } => (
                "Das Gateway folgt dem Ton, aber Firewalls tun es oft nicht: geben Sie beide Adressen frei, oder lassen Sie die richtige nennen.",
                "The gateway follows the sound, but firewalls often do not: admit both addresses, or have the right one named.",
            ),
            Self::Dtmf { info: true } => (
                "Stellen Sie DTMF dort auf RFC 4733 (auch „RFC 2833“); aus INFO liest das Gateway Tasten, senden kann es sie so nicht.",
                "Set DTMF to RFC 4733 (\"RFC 2833\") there; the gateway reads keys from INFO, but cannot send them so.",
            ),
            Self::Dtmf { info: false } => (
                "Stellen Sie DTMF dort auf RFC 4733 (auch „RFC 2833“). Bis dahin hört das Gateway Tasten nur als Töne, was bei G.711 meist gelingt.",
                "Set DTMF to RFC 4733 (\"RFC 2833\") there. Until then the gateway hears keys as tones alone, which mostly works with G.711.",
            ),
            Self::Hold(_) => (
                "Lassen Sie dort re-INVITE mit sendonly, recvonly und inactive zu (RFC 3264, Abschnitt 8.4).",
                "Have re-INVITE with sendonly, recvonly and inactive admitted there (RFC 3264 section 8.4).",
            ),
            Self::SessionTimer(_) => (
                "Lassen Sie dort Session Timer nach RFC 4028 zu oder ganz ausschalten; sonst enden lange Gespräche von selbst.",
                "Have session timers of RFC 4028 admitted there, or switched off altogether; else long calls end by themselves.",
            ),
            Self::HungUp { .. } => (
                "Wählen Sie mit `--call` eine Nummer, die länger spricht; bricht auch die ab, zeigt der Mitschnitt dem Betreiber, wann.",
                "Choose a number that talks longer with `--call`; if that is cut off, too, the ladder shows the operator when.",
            ),
        }
    }
}

fn tls_in_english(trouble: &TlsTrouble) -> String {
    String::from(match trouble {
        TlsTrouble::WrongName => "The certificate is not for the name that is dialled.",
        TlsTrouble::Expired => "The certificate's time is over.",
        TlsTrouble::NotYet => "The certificate is not valid yet.",
        TlsTrouble::UnknownIssuer => "Nobody whom we trust vouches for the certificate.",
        TlsTrouble::Version => "No version or cipher of TLS is common: the trunk offers only old ones.",
        TlsTrouble::NotTls => "What answers at that port speaks no TLS.",
        TlsTrouble::WantsOurs => "The trunk wants a certificate of ours.",
        TlsTrouble::Other(why) => return format!("TLS is not agreed on: {why}."),
    })
}

fn tls_auf_deutsch(trouble: &TlsTrouble) -> String {
    String::from(match trouble {
        TlsTrouble::WrongName => "Das Zertifikat gilt nicht für den Namen, der gewählt wird.",
        TlsTrouble::Expired => "Das Zertifikat ist abgelaufen.",
        TlsTrouble::NotYet => "Das Zertifikat gilt noch nicht.",
        TlsTrouble::UnknownIssuer => "Für das Zertifikat bürgt niemand, dem wir trauen.",
        TlsTrouble::Version => "Es gibt keine gemeinsame TLS-Version oder Chiffre: der Trunk bietet nur alte an.",
        TlsTrouble::NotTls => "Was an diesem Port antwortet, spricht kein TLS.",
        TlsTrouble::WantsOurs => "Der Trunk verlangt ein Zertifikat von uns.",
        TlsTrouble::Other(why) => return format!("TLS kommt nicht zustande: {why}."),
    })
}

const fn advice_on_tls(trouble: &TlsTrouble) -> (&'static str, &'static str) {
    match trouble {
        TlsTrouble::WrongName => (
            "Wählen Sie in `dial` den Namen, der im Zertifikat steht, oder lassen Sie das Zertifikat berichtigen.",
            "Dial the name that stands in the certificate, or have the certificate put right.",
        ),
        TlsTrouble::Expired | TlsTrouble::NotYet => (
            "Lassen Sie das Zertifikat dort erneuern; prüfen Sie auch die Uhr dieses Rechners.",
            "Have the certificate renewed there; look at the clock of this machine, too.",
        ),
        TlsTrouble::UnknownIssuer => (
            "Hat die Anlage eine eigene Zertifizierungsstelle, tragen Sie deren Zertifikat als `ca` beim Trunk ein; fehlt nur die Kette, lassen Sie sie dort ergänzen.",
            "If the telephone system has an authority of its own, name that one's certificate as `ca` of the trunk; if only the chain is missing, have it completed there.",
        ),
        TlsTrouble::Version => (
            "Lassen Sie dort TLS 1.2 oder 1.3 mit ECDHE und AES-GCM einschalten.",
            "Have TLS 1.2 or 1.3 with ECDHE and AES-GCM switched on there.",
        ),
        TlsTrouble::NotTls => (
            "TLS hat meist Port 5061; sonst wählen Sie transport=tcp oder udp.",
            "TLS mostly has port 5061; else choose transport=tcp or udp.",
        ),
        TlsTrouble::WantsOurs => (
            "Lassen Sie dort die Prüfung von Client-Zertifikaten ausschalten: das Gateway zeigt als Anrufer keines.",
            "Have the check of client certificates switched off there: the gateway shows none when it calls.",
        ),
        TlsTrouble::Other(_) => ("Geben Sie dem Betreiber diese Meldung.", "Give this message to the operator."),
    }
}

const fn name_of(place: Place) -> &'static str {
    match place {
        Place::Contact => "Contact",
        Place::Sdp => "SDP",
    }
}

fn list(addresses: &[std::net::IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn after(seconds: Option<u32>) -> String {
    seconds.map(|seconds| format!(", again in {seconds} s")).unwrap_or_default()
}

fn nach(seconds: Option<u32>) -> String {
    seconds.map(|seconds| format!(", wieder in {seconds} s")).unwrap_or_default()
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(" ({why})")).unwrap_or_default()
}
