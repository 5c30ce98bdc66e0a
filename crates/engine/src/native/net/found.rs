//! What was found instead of a relay, in sentences for a person.

use std::io::ErrorKind;

use rustls::CertificateError;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{ProtocolError, UrlError};
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::http::header::LOCATION;

/// The most letters of what a stranger says that are repeated to a person.
const MAX_REPEATED: usize = 200;

/// What may be wrong where a side that wants TLS is spoken to without.
const MAYBE_TLS: &str = "; a relay behind TLS has an address with https://";

/// Says, in a sentence of its own, why no connection came to be.
pub(super) fn instead(error: &Error, is_tls: bool) -> String {
    let maybe_tls = if is_tls { "" } else { MAYBE_TLS };
    match error {
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(error) => in_tls(error),
            None => unreached(error, is_tls),
        },
        Error::Http(response) => in_http(response, maybe_tls),
        Error::Tls(error) => format!("the relay's certificate or encryption is wrong: {error}"),
        Error::Url(UrlError::UnsupportedUrlScheme) => {
            "the relay's address must begin with ws:// or wss://".to_owned()
        }
        Error::Url(error) => format!("the relay's address is wrong: {error}"),
        Error::Protocol(ProtocolError::WrongHttpVersion) => format!(
            "a web server answers at this address, no relay (it speaks no WebSocket){maybe_tls}"
        ),
        Error::Protocol(
            ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake,
        )
        | Error::ConnectionClosed
        | Error::AlreadyClosed => {
            format!("what answers at this address is no relay: it hangs up{maybe_tls}")
        }
        Error::Protocol(ProtocolError::HttparseError(_))
        | Error::HttpFormat(_)
        | Error::Utf8(_) => {
            format!("what answers at this address is no relay: it speaks no HTTP{maybe_tls}")
        }
        Error::Protocol(error) => {
            format!("what answers at this address does not speak as a relay: {error}")
        }
        other => format!("the relay cannot be reached: {other}"),
    }
}

/// Tells of an answer in HTTP that opens no WebSocket.
fn in_http<T>(response: &Response<T>, maybe_tls: &str) -> String {
    let status = response.status();
    let target = response.headers().get(LOCATION);
    let target = target.and_then(|target| target.to_str().ok());
    match (status.as_u16(), target) {
        (200..300, _) => "a web page is at this address, no relay".to_owned(),
        (300..400, Some(target)) => {
            let target: String = target.chars().take(MAX_REPEATED).collect();
            format!("no relay is at this address, but one may be where it points to: {target}")
        }
        (502..=504, _) => format!(
            "a web server answers at this address, but the relay behind it does not (HTTP status {})",
            status.as_u16()
        ),
        // Where TLS is wanted, this is the answer to what comes without.
        (400, _) => {
            format!("what answers at this address is no relay (HTTP status 400){maybe_tls}")
        }
        (status, _) => format!("what answers at this address is no relay (HTTP status {status})"),
    }
}

/// Tells why both sides did not agree upon TLS.
fn in_tls(error: &rustls::Error) -> String {
    let certificate = match error {
        rustls::Error::InvalidMessage(_) => {
            return "what answers at this address speaks no TLS; a relay without TLS has an address with http://"
                .to_owned();
        }
        rustls::Error::InvalidCertificate(certificate) => certificate,
        other => return format!("what answers at this address does not agree upon TLS: {other}"),
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the relay's certificate has expired; its operator must renew it, unless the clock of this device is wrong"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the relay's certificate is not valid yet; look whether the clock of this device is right"
                .to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the relay's certificate comes from nobody whom this device trusts".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the relay's certificate is for another name than that of this address".to_owned()
        }
        CertificateError::Other(other) => format!(
            "the relay's certificate cannot be trusted; maybe it is signed by itself ({})",
            other.0
        ),
        other => format!("the relay's certificate cannot be trusted: {other}"),
    }
}

/// Tells why the network led nowhere.
fn unreached(error: &std::io::Error, is_tls: bool) -> String {
    let why = match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens at this address".to_owned(),
        ErrorKind::TimedOut => "it does not answer".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "no network leads there".to_owned()
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
            if is_tls =>
        {
            return "what answers at this address hung up before TLS was agreed upon; a relay without TLS has an address with http://"
                .to_owned();
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            return format!("what answers at this address is no relay: it hangs up{MAYBE_TLS}");
        }
        _ => error.to_string(),
    };
    format!("the relay cannot be reached: {why}")
}
