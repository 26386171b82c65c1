//! Pages from templates: every value escaped, the style sheet inlined and the only one that a browser will apply.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use super::Error;
use super::visible;

/// The style sheet of every page.
const STYLE: &str = include_str!("../../templates/style.css");

/// Every template. The names end in `.html`, which is what turns escaping on; the style sheet is no page and holds no value.
const TEMPLATES: [(&str, &str); 24] = [
    ("style.css", STYLE),
    ("icons.html", include_str!("../../templates/icons.html")),
    ("components.html", include_str!("../../templates/components.html")),
    ("base.html", include_str!("../../templates/base.html")),
    ("index.html", include_str!("../../templates/index.html")),
    ("completeness.html", include_str!("../../templates/completeness.html")),
    ("scope.html", include_str!("../../templates/scope.html")),
    ("framework.html", include_str!("../../templates/framework.html")),
    ("check.html", include_str!("../../templates/check.html")),
    ("account.html", include_str!("../../templates/account.html")),
    ("evidence.html", include_str!("../../templates/evidence.html")),
    ("accounts.html", include_str!("../../templates/accounts.html")),
    ("key_components.html", include_str!("../../templates/key_components.html")),
    ("key.html", include_str!("../../templates/key.html")),
    ("keys.html", include_str!("../../templates/keys.html")),
    ("access.html", include_str!("../../templates/access.html")),
    ("access_account.html", include_str!("../../templates/access_account.html")),
    ("keys_of_region.html", include_str!("../../templates/keys_of_region.html")),
    ("requests.html", include_str!("../../templates/requests.html")),
    ("sample.html", include_str!("../../templates/sample.html")),
    ("waivers.html", include_str!("../../templates/waivers.html")),
    ("methodology.html", include_str!("../../templates/methodology.html")),
    ("changes.html", include_str!("../../templates/changes.html")),
    ("demo.html", include_str!("../../templates/demo.html")),
];

/// What a page needs beside its content.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Page<'a> {
    /// Title of the window.
    pub(super) title: &'a str,
    /// From the page to the folder of the cover: empty, or `../`.
    pub(super) up: &'static str,
    /// The part of the report that the page belongs to.
    pub(super) part: &'static str,
}

/// The templates, parsed.
pub(super) struct Pages {
    tera: Tera,
    policy: String,
}

impl Pages {
    /// Parses the templates.
    pub(super) fn new() -> Result<Self, Error> {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.set_escape_fn(visible::escape);
        tera.add_raw_templates(TEMPLATES)
            .map_err(|failed| Error::Render { path: "templates".to_owned(), reason: failed.to_string() })?;
        let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'"
        );
        Ok(Self { tera, policy })
    }

    /// Renders a page. Templates read its content as `it`, what every page of the pack shares as `pack`.
    pub(super) fn render(
        &self,
        template: &str,
        page: Page<'_>,
        pack: &impl Serialize,
        it: &impl Serialize,
    ) -> Result<Vec<u8>, Error> {
        let mut context = Context::new();
        context.insert("page", &page);
        context.insert("policy", &self.policy);
        context.insert("pack", pack);
        context.insert("it", it);
        let mut bytes = Vec::new();
        self.tera
            .render_to(template, &context, &mut bytes)
            .map_err(|failed| Error::Render { path: template.to_owned(), reason: failed.to_string() })?;
        Ok(bytes)
    }
}

/// The name of a page's file for an id that users may choose.
pub(super) fn file_name(id: &str) -> String {
    let name: String = id
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' })
        .collect();
    format!("{}.html", name.trim_start_matches('.'))
}

/// A place on a page for an id that users may choose.
pub(super) fn place(prefix: &str, id: &str) -> String {
    let name: String = id
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' })
        .collect();
    format!("{prefix}-{}", name.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses_and_escapes() {
        let mut pages = Pages::new().unwrap();
        pages.tera.add_raw_template("probe.html", "{{ it }}").unwrap();
        let page = Page { title: "t", up: "", part: "" };
        let bytes = pages.render("probe.html", page, &"", &"\"><script>\u{202e}").unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "&quot;&gt;&lt;script&gt;⟨U+202E⟩");
    }

    #[test]
    fn no_template_switches_escaping_off_or_carries_a_style() {
        for (name, text) in TEMPLATES {
            assert!(!text.contains("safe") || name == "style.css", "{name}");
            assert!(!text.contains("style="), "{name}");
            assert!(!text.contains("<script"), "{name}");
            assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
        }
        assert!(!STYLE.contains("{{") && !STYLE.contains("{%") && !STYLE.contains("{#"));
        assert!(!STYLE.contains("</") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    #[test]
    fn names_of_files_and_places_stay_in_their_folder() {
        assert_eq!(file_name("../x y"), "-x-y.html");
        assert_eq!(place("c", "AC-2(1)"), "c-AC-2-1");
    }
}
