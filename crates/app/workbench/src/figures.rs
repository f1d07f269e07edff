//! Numbers as people read them: binary sizes with three digits, rates, durations, shares, counts.
//!
//! Every face and every report spells a number through here, so that a size reads the same in the
//! terminal, in the page and in the Markdown. JSON never does: it carries bytes and seconds.

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A size in bytes: `512 B`, `1.83 MiB`, `30.1 KiB`, `1,010 KiB`.
pub fn bytes(bytes: u64) -> String {
    size(bytes as f64)
}

/// A size that was gained or lost: `+1.83 MiB`, `−512 B`, `±0 B`.
pub fn signed_bytes(bytes: i128) -> String {
    match bytes {
        0 => "±0 B".to_owned(),
        n if n > 0 => format!("+{}", size(n as f64)),
        n => format!("−{}", size(n.unsigned_abs() as f64)),
    }
}

/// What lies between two sizes, with its sign.
pub fn bytes_between(before: u64, after: u64) -> String {
    signed_bytes(i128::from(after) - i128::from(before))
}

/// Bytes per second: `30.1 KiB/s`.
pub fn rate(bytes_per_second: f64) -> String {
    if !bytes_per_second.is_finite() {
        return "unknown rate".to_owned();
    }
    let sign = if bytes_per_second < 0.0 { "−" } else { "" };
    format!("{sign}{}/s", size(bytes_per_second.abs()))
}

/// A number of bytes that may have decimals, non-negative.
fn size(value: f64) -> String {
    if value < 999.5 {
        return format!("{value:.0} B");
    }
    let mut value = value / 1024.0;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS.get(unit).copied().unwrap_or_default())
}

/// Three significant digits, thousands separated: `0.977`, `1.83`, `30.1`, `512`, `1,010`.
fn three_digits(value: f64) -> String {
    match value {
        v if v < 0.9995 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => count(v.round() as u64),
    }
}

/// A whole number with thousands separators: `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What lies between two counts, with its sign: `+5,000`, `−3`, `±0`.
pub fn count_between(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => "±0".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", count(after - before)),
        std::cmp::Ordering::Less => format!("−{}", count(before - after)),
    }
}

/// A share (0 to 1): `97 %`, `4.2 %`, `< 0.1 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if !p.is_finite() => "?".to_owned(),
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.1 => "< 0.1 %".to_owned(),
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// A span of time in its two largest units: `310 ms`, `4.2 s`, `60 s`, `2 min 5 s`, `19 h 20 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 0.0005 {
        return "0 s".to_owned();
    }
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        let tenths = format!("{seconds:.1}");
        return format!("{} s", tenths.strip_suffix(".0").unwrap_or(&tenths));
    }
    let whole = seconds.round() as u64;
    let two = |big: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {small_unit}"),
    };
    match whole {
        s if s < 2 * MINUTE => format!("{s} s"),
        s if s < HOUR => two(s / MINUTE, "min", s % MINUTE, "s"),
        s if s < DAY => two(s / HOUR, "h", s % HOUR / MINUTE, "min"),
        s if s < 60 * DAY => two(s / DAY, "d", s % DAY / HOUR, "h"),
        s if s < 730 * DAY => format!("{} d", s / DAY),
        s => format!("{} years", count(s / (365 * DAY))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_binary_units() {
        let shown: Vec<String> =
            [0, 999, 1000, 1024, 1_918_894, 30_822, 1_048_000, 2_147_483_648, u64::MAX].map(bytes).into();
        assert_eq!(
            shown,
            [
                "0 B",
                "999 B",
                "0.977 KiB",
                "1.00 KiB",
                "1.83 MiB",
                "30.1 KiB",
                "1,023 KiB",
                "2.00 GiB",
                "16.0 EiB"
            ]
        );
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(bytes_between(0, 1_918_894), "+1.83 MiB");
        assert_eq!(bytes_between(u64::MAX, 0), "−16.0 EiB");
        assert_eq!(bytes_between(7, 7), "±0 B");
        assert_eq!(count_between(1, 5001), "+5,000");
        assert_eq!(count_between(5001, 1), "−5,000");
    }

    #[test]
    fn durations_use_two_units() {
        let shown: Vec<String> =
            [0.0, 0.31, 1.0, 4.24, 60.0, 125.0, 69_600.0, 273_600.0, 9e6, 1e9, f64::NAN, -1.0]
                .map(duration)
                .into();
        assert_eq!(
            shown,
            [
                "0 s",
                "310 ms",
                "1 s",
                "4.2 s",
                "60 s",
                "2 min 5 s",
                "19 h 20 min",
                "3 d 4 h",
                "104 d",
                "31 years",
                "unknown",
                "unknown"
            ]
        );
    }

    #[test]
    fn shares_are_percentages() {
        let shown: Vec<String> = [0.97, 0.042, 0.0004, 0.0, 1.0, f64::NAN].map(percent).into();
        assert_eq!(shown, ["97 %", "4.2 %", "< 0.1 %", "0 %", "100 %", "?"]);
    }

    #[test]
    fn counts_have_thousands_separators() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(count), ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn rates_survive_nonsense() {
        assert_eq!(rate(30_822.4), "30.1 KiB/s");
        assert_eq!(rate(f64::INFINITY), "unknown rate");
    }
}
