//! The one escape through which every text reaches a page or an XML file: their own characters, and those that hide or reorder
//! others.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes `text` so that it shows as text in HTML content and in quoted attributes. Characters that cannot be seen, or that
/// change the order of others, are spelt out: a control as its picture (`␊`), the rest as `⟨U+202E⟩`.
///
/// # Errors
/// Those of the output.
pub(super) fn escape(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let (mut plain, mut at) = (0, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        if is_plain(*byte) {
            at += 1;
            continue;
        }
        let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        let end = at + letter.len_utf8();
        let replacement = match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ if is_hidden(letter) => "",
            _ => {
                at = end;
                continue;
            }
        };
        out.write_all(&text.as_bytes()[plain..at])?;
        if replacement.is_empty() {
            out.write_all(spelt(letter).as_bytes())?;
        } else {
            out.write_all(replacement.as_bytes())?;
        }
        (plain, at) = (end, end);
    }
    out.write_all(&text.as_bytes()[plain..])
}

/// Whether a byte is a letter by itself that every output takes as it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

/// The escaped text.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = Vec::with_capacity(text.len());
    // Writing into memory cannot fail, and leaves what was UTF-8.
    let _ = escape(text, &mut escaped);
    String::from_utf8(escaped).unwrap_or_default()
}

/// The text on one line, with what cannot be seen spelt out, for forms that are no pages and have no escape for it.
pub(super) fn shown(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if is_hidden(letter) {
            shown.push_str(&spelt(letter))
        } else {
            shown.push(letter)
        }
        shown
    })
}

/// How many bytes a text takes on a page.
pub(super) fn escaped_length(text: &str) -> usize {
    struct Length(usize);
    impl Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    // Counting cannot fail.
    let _ = escape(text, &mut length);
    length.0
}

/// Whether a character leaves no mark of its own on a page, or moves others.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn spelt(letter: char) -> String {
    match letter {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or('\u{fffd}').to_string(),
        '\u{7f}' => "\u{2421}".to_owned(),
        _ => {
            let mut text = String::new();
            // Writing to a String cannot fail.
            let _ = write!(text, "\u{27e8}U+{:04X}\u{27e9}", u32::from(letter));
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        escape(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn markup_shows_as_text() {
        assert_eq!(escaped("a\"><img onerror='x'>&"), "a&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp;");
    }

    #[test]
    fn what_hides_or_reorders_is_spelt_out() {
        assert_eq!(escaped("a\u{202e}b\u{200b}c\nd\u{7f}e\u{9b}"), "a⟨U+202E⟩b⟨U+200B⟩c␊d␡e⟨U+009B⟩");
    }

    #[test]
    fn letters_of_every_script_stay_as_they_are() {
        assert_eq!(escaped("Zürich 東京 مفتاح 🔑"), "Zürich 東京 مفتاح 🔑");
    }
}
