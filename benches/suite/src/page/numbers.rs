//! Numbers as the page has them: three digits that count.

use crate::figures::Figure;
use crate::statistics::Spread;

/// A median with its unit and, if there are several rounds, the range.
pub fn spread(spread: Spread, figure: Figure) -> String {
    let unit = figure.unit();
    in_words(spread, rounded, unit)
}

/// How many times as much; below one as a fraction.
pub fn ratio(ratio: Spread) -> String {
    in_words(ratio, times, "")
}

fn in_words(spread: Spread, write: impl Fn(f64) -> String, unit: &str) -> String {
    let [median, lowest, highest] = [spread.median, spread.lowest, spread.highest].map(write);
    match lowest == highest {
        true => format!("{median}{unit}"),
        false => format!("{median}{unit} ({lowest} to {highest})"),
    }
}

/// A ratio: 3.2, 0.61, 1/25.
pub fn times(ratio: f64) -> String {
    match ratio > 0.0 && ratio < 0.5 {
        true => format!("1/{}", rounded(1.0 / ratio)),
        false => rounded(ratio),
    }
}

/// Three digits that count, thousands apart.
pub fn rounded(value: f64) -> String {
    let n_decimals = match value.abs() {
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.n_decimals$}");
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => grouped(&text),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        for (value, text) in [
            (0.0, "0"),
            (0.874, "0.87"),
            (9.5, "9.5"),
            (27.64, "27.6"),
            (30.0, "30"),
            (648.2, "648"),
            (21_345.6, "21,346"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }

    #[test]
    fn small_ratios_are_fractions() {
        assert_eq!(times(0.04), "1/25");
        assert_eq!(times(0.61), "0.61");
        assert_eq!(times(3.2), "3.2");
    }

    #[test]
    fn a_range_is_shown_where_there_is_one() {
        let one = Spread::of(&[27.0]).unwrap();
        assert_eq!(spread(one, Figure::CpuUsPerMessage), "27 µs");
        let some = Spread::of(&[27.0, 28.5, 29.0]).unwrap();
        assert_eq!(spread(some, Figure::CpuUsPerMessage), "28.5 µs (27 to 29)");
    }
}
