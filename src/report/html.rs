//! Pages from templates: every value escaped, style sheet and script inlined and the only ones that a browser will apply.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use super::Error;
use super::redaction::Redaction;
use super::visible;

/// The style sheet of every page.
const STYLE: &str = include_str!("../../templates/style.css");

/// The script of every page: it adds search, sorting and windows to long tables, which can be read without it.
const SCRIPT: &str = include_str!("../../templates/script.js");

/// Every template. The names end in `.html`, which is what turns escaping on; style sheet and script are no pages and hold no value.
const TEMPLATES: [(&str, &str); 27] = [
    ("style.css", STYLE),
    ("script.js", SCRIPT),
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
    ("readme.html", include_str!("../../templates/readme.html")),
    ("remediation.html", include_str!("../../templates/remediation.html")),
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
    redaction: Option<Arc<Redaction>>,
}

impl Pages {
    /// Parses the templates.
    pub(super) fn new() -> Result<Self, Error> {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.set_escape_fn(visible::escape);
        tera.add_raw_templates(TEMPLATES)
            .map_err(|failed| Error::Render { path: "templates".to_owned(), reason: failed.to_string() })?;
        let [style, script] = [STYLE, SCRIPT].map(|text| STANDARD.encode(Sha256::digest(text.as_bytes())));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; base-uri 'none'; \
             form-action 'none'"
        );
        Ok(Self { tera, policy, redaction: None })
    }

    /// The same templates, of whose values something is kept back.
    pub(super) fn redacted(self, redaction: Option<Arc<Redaction>>) -> Self {
        Self { redaction, ..self }
    }

    /// Renders a page. Templates read its content as `it`, what every page of the pack shares as `pack`.
    pub(super) fn render(
        &self,
        template: &str,
        page: Page<'_>,
        pack: &impl Serialize,
        it: &impl Serialize,
    ) -> Result<Vec<u8>, Error> {
        let fail = |failed: serde_json::Error| Error::Encode { path: template.to_owned(), reason: failed.to_string() };
        let mut context = Context::new();
        context.insert("policy", &self.policy);
        if let Some(redaction) = &self.redaction {
            context.insert("page", &Page { title: &redaction.text(page.title), ..page });
            context.insert("pack", &redaction.content(serde_json::to_value(pack).map_err(fail)?));
            context.insert("it", &redaction.content(serde_json::to_value(it).map_err(fail)?));
        } else {
            context.insert("page", &page);
            context.insert("pack", pack);
            context.insert("it", it);
        }
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
        for (name, text) in TEMPLATES.into_iter().filter(|(name, _)| *name != "script.js") {
            assert!(!text.contains("safe") || name == "style.css" || name == "components.html", "{name}");
            assert!(!text.contains("style="), "{name}");
            assert!(!text.contains("<script") || name == "base.html" || name == "components.html", "{name}");
            assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
        }
        // Only rows that were escaped for their place go without the escape of pages.
        let components = include_str!("../../templates/components.html");
        assert_eq!(components.matches("safe").count(), 1);
        assert!(components.contains("<script type=\"application/json\">{{ rows | safe }}</script>"));
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("{{") && !text.contains("{%") && !text.contains("{#") && !text.contains("</"));
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        let writes_texts_only =
            ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "fetch("];
        assert!(writes_texts_only.iter().all(|way| !SCRIPT.contains(way)));
    }

    #[test]
    fn names_of_files_and_places_stay_in_their_folder() {
        assert_eq!(file_name("../x y"), "-x-y.html");
        assert_eq!(place("c", "AC-2(1)"), "c-AC-2-1");
    }
}
