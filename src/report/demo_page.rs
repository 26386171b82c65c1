//! The page that the demo opens with: where its packs and its comparison lie.

use serde::Serialize;

use super::Error;
use super::html::{Page, Pages};

/// A link of the page.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DemoLink<'a> {
    /// The words of the link.
    pub title: &'a str,
    /// What stands behind it.
    pub text: &'a str,
    /// Path from the page.
    pub path: &'a str,
}

/// What every page shows of the pack that it is part of; the demo as a whole is none.
#[derive(Serialize)]
struct Subject {
    subject: &'static str,
    day: &'static str,
    loosened: [&'static str; 0],
    narrowed: [&'static str; 0],
    demo: bool,
}

/// The page with these links.
///
/// # Errors
/// [`Error::Render`].
pub fn demo_page(links: &[DemoLink<'_>]) -> Result<Vec<u8>, Error> {
    let subject = Subject { subject: "demo", day: "2026", loosened: [], narrowed: [], demo: true };
    let page = Page { title: "A demonstration of keyproof", up: "", part: "demo" };
    Pages::new()?.render("demo.html", page, &subject, &links)
}
