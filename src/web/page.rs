//! The page at `/`: files that are part of the binary, nothing from elsewhere.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

use super::WebState;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Path, media type, content.
const FILES: [(&str, &str, &str); 7] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page/page.css", STYLE, include_str!("page/page.css")),
    ("/page/page.js", SCRIPT, include_str!("page/page.js")),
    ("/page/feed.js", SCRIPT, include_str!("page/feed.js")),
    ("/page/cards.js", SCRIPT, include_str!("page/cards.js")),
    ("/page/words.js", SCRIPT, include_str!("page/words.js")),
    ("/page/lightbar.svg", "image/svg+xml", include_str!("page/lightbar.svg")),
];

pub(super) fn routes() -> Router<WebState> {
    FILES.into_iter().fold(Router::new(), |router, (path, media_type, content)| {
        // Asked for again each time, so that page and service are always of one version.
        router.route(
            path,
            get(move || async move { ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache")], content) }),
        )
    })
}
