//! Whom a client would rather not have: instances that it has seen fail. It is a wish. Where there is nobody else, they are asked.

use http::HeaderMap;

/// Names that are looked at; a list may be longer, and its rest does not count.
const NAMES_MAX: usize = 64;

/// The identities of the instances that a request asks to pass by.
pub fn avoided(headers: &HeaderMap) -> Vec<u64> {
    let lists = headers.get_all(contract::AVOID_HEADER).iter();
    let names = lists.flat_map(|list| list.to_str().unwrap_or_default().split(','));
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names.take(NAMES_MAX).map(hash::text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_all_lists_and_are_bounded() {
        let mut headers = HeaderMap::new();
        assert!(avoided(&headers).is_empty());
        headers.append("x-avoid-instances", "users-1, users-2,,".parse().unwrap());
        headers.append("x-avoid-instances", "users-3".parse().unwrap());
        assert_eq!(avoided(&headers), ["users-1", "users-2", "users-3"].map(hash::text));
        headers.append("x-avoid-instances", "x,".repeat(100).parse().unwrap());
        assert_eq!(avoided(&headers).len(), NAMES_MAX);
    }
}
