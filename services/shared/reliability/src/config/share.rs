//! A share of a whole, exact.

use std::fmt;

use super::value::Value;

/// Parts that make the whole.
const WHOLE: u32 = 1_000_000;

/// A share between nothing and the whole, in millionths. Whole numbers, so that 20 % of 5 requests is 1 retry and not
/// 0.999 of one, and so that 1.5 % does not become 1 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// All of it.
    pub const ALL: Self = Self(WHOLE);
    /// Nothing of it.
    pub const NONE: Self = Self(0);

    /// So many hundredths; more than a hundred are a hundred.
    #[must_use]
    pub const fn percent(hundredths: u32) -> Self {
        let hundredths = if hundredths > 100 { 100 } else { hundredths };
        Self(hundredths * (WHOLE / 100))
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// Whether `part` of `whole` is this share or more. Of nothing, no share is reached.
    #[must_use]
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        whole > 0 && u128::from(part) * u128::from(WHOLE) >= u128::from(whole) * u128::from(self.0)
    }
}

impl Value for Share {
    const EXPECTED: &'static str = "write a percentage from 0% to 100%, such as 20% or 0.25%";

    fn read(text: &str) -> Option<Self> {
        let (whole, rest) = text
            .strip_suffix('%')?
            .split_once('.')
            .unwrap_or((text.strip_suffix('%')?, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(rest) || rest.len() > 4 {
            return None;
        }
        let millionths: u32 = format!("{whole}{rest:0<4}").parse().ok()?;
        (millionths <= WHOLE).then_some(Self(millionths))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millionths in 0..=WHOLE) {
            let share = Share(millionths);
            prop_assert_eq!(Share::read(&share.to_string()), Some(share));
        }
    }

    #[test]
    fn a_share_is_exact() {
        assert_eq!(Share::read("20%"), Some(Share::percent(20)));
        assert_eq!(Share::read("1.5%").unwrap().millionths(), 15_000);
        assert!(Share::percent(29).is_reached(29, 100) && !Share::percent(29).is_reached(28, 100));
        assert!(!Share::NONE.is_reached(0, 0));
        for wrong in ["20", "0.2", "101%", "-1%", "%", ".5%", "1.23456%", "1e2%", "+5%"] {
            assert_eq!(Share::read(wrong), None, "{wrong}");
        }
    }
}
