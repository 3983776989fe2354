//! Sticky sessions: a cookie that names the instance that a client was sent to first.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

/// Reads and writes the cookie. Its value is the hash of the instance's name, in hexadecimal: enough to find it again, and nothing
/// of the inside of the system is shown.
#[derive(Debug)]
pub struct Sticky {
    name: String,
}

impl Sticky {
    /// With a cookie of this name.
    pub fn new(name: String) -> Self {
        Self { name }
    }

    /// The instance that the client was sent to before, as far as it says so in a form that this balancer wrote.
    pub fn read(&self, headers: &HeaderMap) -> Option<u64> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name)
            .and_then(|(_, id)| u64::from_str_radix(id, 16).ok())
    }

    /// Tells the client where it was sent.
    pub fn write(&self, headers: &mut HeaderMap, id: u64) {
        let cookie = format!("{}={id:016x}; Path=/; HttpOnly; SameSite=Lax", self.name);
        if let Ok(value) = HeaderValue::try_from(cookie) {
            headers.append(SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_among_others() {
        let sticky = Sticky::new("lab".to_owned());
        let mut answer = HeaderMap::new();
        sticky.write(&mut answer, 0xfe);
        let written = answer[SET_COOKIE]
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let mut request = HeaderMap::new();
        request.append(COOKIE, HeaderValue::from_static("theme=dark; labour=1"));
        assert_eq!(sticky.read(&request), None);
        request.append(COOKIE, HeaderValue::try_from(format!("a=b; {written}; c=d")).unwrap());
        assert_eq!(sticky.read(&request), Some(0xfe));
    }

    /// Cookies outlive a balancer, and the scenario `sticky-sessions` has them in its file.
    #[test]
    fn the_value_for_a_name_never_changes() {
        assert_eq!(hash::text("gateway-1"), 0xc554_4922_2770_5b06);
    }

    #[test]
    fn nonsense_is_no_instance() {
        let sticky = Sticky::new("lab".to_owned());
        for value in ["lab=", "lab=xyz", "lab", "lab=-1"] {
            let mut request = HeaderMap::new();
            request.append(COOKIE, HeaderValue::from_static(value));
            assert_eq!(sticky.read(&request), None, "{value}");
        }
    }
}
