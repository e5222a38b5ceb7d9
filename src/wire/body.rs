//! What of a body the gateway reads (RFC 3261 section 8.2.3). In: the header fields of a request that may carry SDP.
//! Out: the body to pass on, with its SDP taken out of what else was packed beside it (RFC 5621).

use super::Fault;
use super::split::{Field, Name, Split, head_and_body};

const SDP: &str = "application/sdp";

/// What happens to the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// It goes on as it is.
    AsItIs,
    /// Only this part of it goes on, as SDP.
    Sdp(&'a [u8]),
    /// None goes on: its sender does not mind (section 20.11, `handling=optional`).
    Without,
}

/// Judges the body of an INVITE, an UPDATE, or an ACK.
pub(super) fn judge<'a>(request: &Split<'_>, body: &'a [u8]) -> Result<Body<'a>, Fault> {
    let takes = request.all(Name::Accept).collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let takes_sdp = ["application/sdp", "application/*", "*/*"].iter().any(|kind| takes.contains(kind));
    if !takes.trim().is_empty() && !takes_sdp {
        return Err(Fault::NoSdp);
    }
    let Some(kind) = request.only(Name::ContentType)?.filter(|_| !body.is_empty()) else { return Ok(Body::AsItIs) };
    let encoded =
        request.all(Name::ContentEncoding).any(|how| !how.is_empty() && !how.eq_ignore_ascii_case("identity"));
    let judged = match media_type(kind).as_str() {
        _ if encoded => Err(Fault::BodyEncoding),
        SDP => Ok(Body::AsItIs),
        multipart if multipart.starts_with("multipart/") => {
            boundary(kind).and_then(|boundary| sdp_among(body, &boundary, 0)).map(Body::Sdp).ok_or(Fault::BodyType)
        }
        _ => Err(Fault::BodyType),
    };
    let optional = request
        .all(Name::ContentDisposition)
        .any(|how| how.split(';').any(|one| one.replace(' ', "").eq_ignore_ascii_case("handling=optional")));
    judged.or_else(|fault| if optional { Ok(Body::Without) } else { Err(fault) })
}

fn media_type(value: &str) -> String {
    let kind = value.split(';').next().unwrap_or_default();
    kind.split('/').map(str::trim).collect::<Vec<_>>().join("/").to_ascii_lowercase()
}

fn boundary(kind: &str) -> Option<String> {
    let found = kind.split(';').skip(1).find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (!found.is_empty() && found.len() <= 70).then_some(found)
}

/// Parts in parts in parts: nobody means it.
const DEEPEST: usize = 3;

/// The first part that is SDP.
fn sdp_among<'a>(body: &'a [u8], boundary: &str, depth: usize) -> Option<&'a [u8]> {
    if depth == DEEPEST {
        return None;
    }
    parts(body, format!("--{boundary}").as_bytes()).into_iter().find_map(|part| {
        // A part without header fields is plain text (RFC 2046 section 5.1).
        let (head, content) = head_and_body(part)?;
        let kind = super::split::lines(head).find_map(|line| {
            let line = std::str::from_utf8(line).ok()?;
            let (name, value) = line.split_once(':')?;
            let is_kind = name.trim().eq_ignore_ascii_case("content-type") || name.trim().eq_ignore_ascii_case("c");
            is_kind.then(|| value.to_owned())
        })?;
        let media = media_type(&kind);
        if media == SDP {
            Some(content)
        } else if media.starts_with("multipart/") {
            sdp_among(content, &self::boundary(&kind)?, depth + 1)
        } else {
            None
        }
    })
}

/// What stands between one delimiter line and the next (RFC 2046 section 5.1.1).
fn parts<'a>(body: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut begins = Vec::new();
    let mut line = 0;
    for (at, byte) in body.iter().enumerate() {
        if *byte == b'\n' {
            if body.get(line..at).is_some_and(|text| text.trim_ascii_end() == delimiter) {
                begins.push((line, at + 1));
            }
            line = at + 1;
        }
    }
    let ends: Vec<usize> = begins.iter().skip(1).map(|(line, _)| *line).chain([last(body, delimiter)]).collect();
    let cut = begins.into_iter().zip(ends).filter_map(|((_, begin), end)| {
        let part = body.get(begin..end)?;
        Some(part.strip_suffix(b"\r\n").or_else(|| part.strip_suffix(b"\n")).unwrap_or(part))
    });
    cut.collect()
}

/// Where the closing delimiter begins; the end, if it is missing.
fn last(body: &[u8], delimiter: &[u8]) -> usize {
    let closing = [delimiter, b"--"].concat();
    body.windows(closing.len()).position(|window| window == closing).unwrap_or(body.len())
}

/// The fields of a request whose body was cut down to its SDP.
pub(super) fn is_about_parts(field: &Field<'_>) -> bool {
    matches!(field.name, Name::ContentType | Name::ContentDisposition | Name::ContentEncoding)
        || field.label.eq_ignore_ascii_case("mime-version")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(fields: &str) -> Vec<u8> {
        format!("INVITE sip:a@b SIP/2.0\r\n{fields}\r\n").into_bytes()
    }

    fn judged(fields: &str, body: &'static [u8]) -> Result<Body<'static>, Fault> {
        judge(&Split::of(&invite(fields)).expect("split"), body)
    }

    #[test]
    fn sdp_is_taken_out_of_what_carriers_pack_beside_it() {
        let body = b"--x\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--x\r\nContent-Type: Application/SDP\r\n\r\nv=0\r\n\r\n--x--\r\n";
        assert_eq!(judged("c: multipart/mixed; boundary=\"x\"\r\n", body), Ok(Body::Sdp(b"v=0\r\n")));
        assert_eq!(judged("c: multipart/mixed; boundary=y\r\n", body), Err(Fault::BodyType));
        assert_eq!(judged("c: multipart/mixed\r\n", body), Err(Fault::BodyType));
    }

    #[test]
    fn an_unknown_body_is_refused_unless_its_sender_does_not_mind() {
        assert_eq!(judged("Content-Type: application/unknownformat\r\n", b"<x/>"), Err(Fault::BodyType));
        assert_eq!(
            judged("Content-Type: text/x\r\nContent-Disposition: render;handling=optional\r\n", b"x"),
            Ok(Body::Without)
        );
        assert_eq!(
            judged("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", b"x"),
            Err(Fault::BodyEncoding)
        );
        assert_eq!(judged("Content-Type: text/x\r\n", b""), Ok(Body::AsItIs));
        assert_eq!(judged("", b"v=0"), Ok(Body::AsItIs), "RFC 2543 did not ask for a type");
    }

    #[test]
    fn who_takes_no_sdp_is_told_at_once() {
        assert_eq!(judged("Accept: text/nobodyKnowsThis\r\n", b""), Err(Fault::NoSdp));
        assert_eq!(judged("Accept: text/x\r\nAccept: application/sdp;level=1\r\n", b""), Ok(Body::AsItIs));
        assert_eq!(judged("Accept:\r\n", b""), Ok(Body::AsItIs));
    }
}
