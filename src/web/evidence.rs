//! Evidence of an alert, as it lies in the vault: whole, or the part that a player asks for (RFC 9110, section 14).
//!
//! The hash that was sealed is the answer's entity tag, so that who has a copy can tell whether it is the same; what the bytes are is
//! never guessed here.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::problem::Problem;
use super::{WebState, wire};
use crate::pipeline::ports::EvidenceFile;

/// What is read at a time.
const CHUNK: usize = 128 * 1024;
/// Chunks that wait for a slow client.
const AHEAD: usize = 4;

/// `GET /api/v1/alerts/{id}/evidence/{name}`: a clip or a picture, by the name that the alert gives it.
pub(super) async fn piece(
    State(state): State<WebState>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = wire::parse_alert_id(&id)?;
    let asked = name.clone();
    let found = state.read(move |reader| reader.evidence(id, &asked)).await?;
    let missing = || Problem::not_found(format!("there is no evidence {name:?} of the alert {id} here"));
    let (Some(file), Some(vault)) = (found, state.vault.clone()) else { return Err(missing()) };
    let path = within(&vault, &file.path).ok_or_else(missing)?;
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok::<_, std::io::Error>((file, length))
    });
    let (opened, length) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
        Ok(Err(error)) => return Err(Problem::internal(&format!("the evidence {name:?} cannot be read: {error}"))),
        Err(error) => return Err(Problem::internal(&format!("reading evidence broke down: {error}"))),
    };
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok()).map(|range| part(range, length));
    Ok(answer(&file, opened, length, range))
}

/// A part that is asked for, first and last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// These bytes.
    Of(u64, u64),
    /// Beyond the end.
    Beyond,
    /// Not one range of bytes: the whole is sent, as the standard allows.
    Whole,
}

fn part(range: &str, length: u64) -> Part {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => return Part::Whole,
        (Ok(first), Ok(last)) => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        // The last so many bytes.
        (Err(_), Ok(0)) if first.is_empty() => return Part::Beyond,
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), end),
        _ => return Part::Whole,
    };
    if first >= length { Part::Beyond } else { Part::Of(first, last) }
}

fn answer(file: &EvidenceFile, opened: File, length: u64, range: Option<Part>) -> Response {
    let (status, first, count, said) = match range {
        Some(Part::Beyond) => {
            let said = [(CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, said).into_response();
        }
        Some(Part::Of(first, last)) => {
            let said = format!("bytes {first}-{last}/{length}");
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1, Some(said))
        }
        Some(Part::Whole) | None => (StatusCode::OK, 0, length, None),
    };
    let headers = [
        (CONTENT_TYPE, file.media_type.clone()),
        (CONTENT_LENGTH, count.to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (ETAG, format!("\"{}\"", file.sha256)),
        // Sealed bytes never change; but who may see them may.
        (CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    let mut response = (status, headers, read_on(opened, first, count)).into_response();
    if let Some(said) = said.and_then(|said| said.parse().ok()) {
        response.headers_mut().insert(CONTENT_RANGE, said);
    }
    response
}

/// Reads on a thread that may block; a client that hangs up ends it.
fn read_on(mut file: File, first: u64, count: u64) -> Body {
    let (chunks, body) = mpsc::channel::<std::io::Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = file.seek(SeekFrom::Start(first)) {
            return drop(chunks.blocking_send(Err(error)));
        }
        let mut left = file.take(count);
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match left.read(&mut chunk) {
                Ok(0) => return,
                Ok(read) => Ok(Bytes::from(chunk).slice(..read)),
                Err(error) => Err(error),
            };
            let over = read.is_err();
            if chunks.blocking_send(read).is_err() || over {
                return;
            }
        }
    });
    Body::from_stream(ReceiverStream::new(body))
}

/// The file, where its name leads nowhere else than into the vault.
fn within(vault: &Arc<FilePath>, path: &str) -> Option<PathBuf> {
    let path = FilePath::new(path);
    let plain = path.components().all(|component| matches!(component, Component::Normal(_)));
    plain.then(|| vault.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_the_standard_says() {
        let cases = [
            ("bytes=0-3", Part::Of(0, 3)),
            ("bytes=4-", Part::Of(4, 9)),
            ("bytes=-3", Part::Of(7, 9)),
            ("bytes=-30", Part::Of(0, 9)),
            ("bytes=8-99", Part::Of(8, 9)),
            ("bytes=10-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes=x-", Part::Whole),
        ];
        for (asked, wanted) in cases {
            assert_eq!(part(asked, 10), wanted, "{asked}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Beyond);
    }

    #[test]
    fn no_name_leads_out_of_the_vault() {
        let vault: Arc<FilePath> = Arc::from(FilePath::new("/data/evidence"));
        assert_eq!(within(&vault, "gate/1/clip.mp4"), Some(PathBuf::from("/data/evidence/gate/1/clip.mp4")));
        for path in ["../keys/evidence.ed25519", "/etc/passwd", "gate/../../x", "./x"] {
            assert_eq!(within(&vault, path), None, "{path}");
        }
    }
}
