//! The words of a line of settings.

use super::error::SettingsError;
use super::value::Value;

/// Names and values that were not asked for yet.
#[derive(Debug)]
pub struct Words<'t> {
    left: Vec<(&'t str, &'t str)>,
    asked: Vec<&'static str>,
}

impl<'t> Words<'t> {
    /// Takes a line apart.
    pub(crate) fn of(text: &'t str) -> Result<Self, SettingsError> {
        let mut left: Vec<(&str, &str)> = Vec::new();
        for word in text.split_whitespace() {
            let pair = word
                .split_once('=')
                .filter(|(name, value)| !name.is_empty() && !value.is_empty());
            let (name, value) = pair.ok_or_else(|| SettingsError::NotASetting { word: word.to_owned() })?;
            if left.iter().any(|(earlier, _)| *earlier == name) {
                return Err(SettingsError::SetTwice { name: name.to_owned() });
            }
            left.push((name, value));
        }
        Ok(Self {
            left,
            asked: Vec::new(),
        })
    }

    /// The value of a setting, or its default where it is not set.
    pub(crate) fn take<T: Value>(&mut self, name: &'static str, default: T) -> Result<T, SettingsError> {
        self.take_if(name, default, |_| true, T::EXPECTED)
    }

    /// The same, of a value that must also have some property, which `expected` says.
    pub(crate) fn take_if<T: Value>(
        &mut self,
        name: &'static str,
        default: T,
        is_fit: impl Fn(&T) -> bool,
        expected: &'static str,
    ) -> Result<T, SettingsError> {
        self.asked.push(name);
        let Some(at) = self.left.iter().position(|(set, _)| *set == name) else {
            return Ok(default);
        };
        let (_, value) = self.left.remove(at);
        let unfit = |expected| SettingsError::Unfit {
            name,
            value: value.to_owned(),
            expected,
        };
        let read = T::read(value).ok_or_else(|| unfit(T::EXPECTED))?;
        if is_fit(&read) { Ok(read) } else { Err(unfit(expected)) }
    }

    /// The value of a setting that counts something of which there must be one.
    pub(crate) fn count(&mut self, name: &'static str, default: u32) -> Result<u32, SettingsError> {
        self.take_if(name, default, |count| *count > 0, "it must be at least 1")
    }

    /// The value of a setting that is a time, and not none.
    pub(crate) fn time(
        &mut self,
        name: &'static str,
        default: std::time::Duration,
    ) -> Result<std::time::Duration, SettingsError> {
        self.take_if(name, default, |time| !time.is_zero(), "it must be longer than no time")
    }

    /// To be called when all settings were asked for.
    pub(crate) fn end(self) -> Result<(), SettingsError> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => Err(SettingsError::Unknown {
                name: (*name).to_owned(),
                known: self.asked.join(", "),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<(u32, Duration), SettingsError> {
        let mut words = Words::of(text)?;
        let read = (words.count("min", 20)?, words.take("open", Duration::from_secs(5))?);
        words.end()?;
        Ok(read)
    }

    #[test]
    fn order_is_free_and_what_is_missing_has_its_default() {
        assert_eq!(read(" open=1s   min=3 "), Ok((3, Duration::from_secs(1))));
        assert_eq!(read(""), Ok((20, Duration::from_secs(5))));
    }

    #[test]
    fn a_mistake_is_answered_with_what_would_do() {
        for (text, words) in [
            ("min", "\"min\" is not a setting; write name=value"),
            ("min=", "\"min=\" is not a setting; write name=value"),
            ("min=1 min=2", "\"min\" is set twice"),
            ("mni=1", "there is no setting \"mni\" here; there are min, open"),
            ("min=0", "min=0 does not work: it must be at least 1"),
            (
                "min=-1",
                "min=-1 does not work: write a whole number from 0 to 4294967295",
            ),
            (
                "open=5",
                "open=5 does not work: write a time with its unit, such as 200ms, 10s or 2m, of a day at most",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), words);
        }
    }
}
