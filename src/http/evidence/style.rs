//! How page and drawing look: on a screen by day and by night, and on paper. Kinds of time differ in form (filled,
//! outlined, hatched), so that nobody needs to tell colours apart.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The drawing's.
pub(super) const DRAWING: &str = include_str!("drawing.css");
/// The page's, with the drawing's in it.
pub(super) const PAGE: &str = concat!(include_str!("page.css"), include_str!("drawing.css"));

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let [drawing, page] = [DRAWING, PAGE].map(|css| STANDARD.encode(Sha256::digest(css)));
    format!(
        "default-src 'none'; style-src 'sha256-{page}' 'sha256-{drawing}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// The policy that allows these two styles and nothing else: no script, nothing loaded.
pub(super) fn policy() -> &'static str {
    POLICY.as_str()
}
