//! Models as people write them: `exponential:10`, `slow 1x20`, …; times in milliseconds.

use std::str::FromStr;

use crate::{Arrivals, Failing, Keys, ServiceTime, Slow};

/// A text that is none of the forms there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}; write {allowed}")]
pub struct ParseError {
    text: String,
    what: &'static str,
    allowed: &'static str,
}

fn refuse(text: &str, what: &'static str, allowed: &'static str) -> ParseError {
    let text = text.to_owned();
    ParseError { text, what, allowed }
}

/// The numbers after a name, all of them finite.
fn numbers(text: &str, separator: char) -> Option<Vec<f64>> {
    text.split(separator)
        .map(|part| part.trim().parse().ok().filter(|number: &f64| number.is_finite()))
        .collect()
}

impl FromStr for ServiceTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        match (name, numbers(rest, ':').as_deref()) {
            ("constant", Some([mean])) => Ok(Self::Constant { mean_s: mean / 1e3 }),
            ("exponential", Some([mean])) => Ok(Self::Exponential { mean_s: mean / 1e3 }),
            ("lognormal", Some([mean, variation])) => Ok(Self::Lognormal {
                mean_s: mean / 1e3,
                variation: *variation,
            }),
            ("bimodal", Some([short, long, long_share])) => Ok(Self::Bimodal {
                short_s: short / 1e3,
                long_s: long / 1e3,
                long_share: *long_share,
            }),
            _ => Err(refuse(
                text,
                "service time",
                "constant:MS, exponential:MS, lognormal:MS:VARIATION, bimodal:MS:MS:SHARE or hgrm:FILE",
            )),
        }
    }
}

impl FromStr for Arrivals {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.split_once(':') {
            None if text == "poisson" => Some(Self::Poisson),
            None if text == "constant" => Some(Self::Constant),
            Some(("bursts", size)) => size.parse().map(Self::Bursts).ok(),
            _ => None,
        }
        .ok_or_else(|| refuse(text, "way to arrive", "poisson, constant or bursts:SIZE"))
    }
}

impl FromStr for Slow {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parts = text.split_once('x').and_then(|(servers, factor)| {
            let factor: f64 = factor.parse().ok().filter(|factor: &f64| factor.is_finite())?;
            Some((servers.parse().ok()?, factor))
        });
        let (servers, factor) =
            parts.ok_or_else(|| refuse(text, "number of slow servers", "SERVERSxFACTOR, such as 1x20"))?;
        Ok(Self { servers, factor })
    }
}

impl FromStr for Failing {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let parts = text.split_once(':').and_then(|(servers, after)| {
            let after_ms: f64 = after.parse().ok().filter(|after: &f64| after.is_finite())?;
            Some((servers.parse().ok()?, after_ms))
        });
        let (servers, after_ms) =
            parts.ok_or_else(|| refuse(text, "number of broken servers", "SERVERS:MS, such as 1:0.5"))?;
        Ok(Self {
            servers,
            after_s: after_ms / 1e3,
        })
    }
}

impl FromStr for Keys {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (count, skew) = text.split_once(':').unwrap_or((text, "0"));
        match (count.parse(), skew.parse::<f64>()) {
            (Ok(count), Ok(skew)) if skew.is_finite() => Ok(Self { count, skew }),
            _ => Err(refuse(
                text,
                "number of keys",
                "COUNT or COUNT:SKEW, such as 100000:1.1",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        assert_eq!("exponential:10".parse(), Ok(ServiceTime::Exponential { mean_s: 0.010 }));
        assert_eq!(
            "lognormal:10:1.5".parse(),
            Ok(ServiceTime::Lognormal {
                mean_s: 0.010,
                variation: 1.5
            })
        );
        assert_eq!(
            "bimodal:5:100:0.05".parse::<ServiceTime>().unwrap().mean_s(),
            0.005 + 0.05 * 0.095
        );
        assert_eq!("bursts:10".parse(), Ok(Arrivals::Bursts(10)));
        assert_eq!(
            "2x20".parse(),
            Ok(Slow {
                servers: 2,
                factor: 20.0
            })
        );
        assert_eq!(
            "1:0.5".parse(),
            Ok(Failing {
                servers: 1,
                after_s: 0.0005
            })
        );
        assert_eq!("100:1.1".parse(), Ok(Keys { count: 100, skew: 1.1 }));
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_the_forms() {
        for text in [
            "",
            "exponential",
            "exponential:",
            "exponential:x",
            "exponential:NaN",
            "lognormal:1",
            "gamma:1",
        ] {
            let message = text.parse::<ServiceTime>().unwrap_err().to_string();
            assert!(message.contains("lognormal:MS:VARIATION"), "{message}");
        }
        assert!("bursts:-1".parse::<Arrivals>().is_err());
        assert!("20".parse::<Slow>().is_err());
        assert!("1".parse::<Failing>().is_err());
        assert!("1:inf".parse::<Keys>().is_err());
    }
}
