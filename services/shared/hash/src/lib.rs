//! Hashes that are the same on every machine, in every run and in every release, unlike those of the standard library.
//!
//! None is meant to withstand somebody who looks for collisions.

/// 2^64 divided by the golden ratio: multiples of it are far apart.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a number over all 64 bits: the output of SplitMix64 whose state was `number`.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (variant 13 of D. Stafford).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    // The added constant keeps zero from being mapped to zero.
    finish(number.wrapping_add(GOLDEN))
}

/// The last step of [`mix`] alone: each bit of the result depends on each bit of `number`; zero stays zero.
#[must_use]
pub const fn finish(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits. Of its bits, only the last ones are good: see [`text`].
///
/// Source: G. Fowler, L. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.
#[must_use]
pub const fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_seeded(0, bytes)
}

/// The same, another hash for each seed; that of seed 0 is [`fnv1a`].
#[must_use]
pub const fn fnv1a_seeded(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Hash of a text, spread over all 64 bits: [`fnv1a`], [mixed](mix).
#[must_use]
pub const fn text(text: &str) -> u64 {
    mix(fnv1a(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_that_their_authors_publish() {
        // The first outputs of SplitMix64 from the state 0, and test vectors of FNV-1a.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(GOLDEN), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn neighbours_differ_in_about_half_of_their_bits() {
        let pairs = 10_000_u64;
        let flipped: u32 = (0..pairs).map(|n| (mix(n) ^ mix(n + 1)).count_ones()).sum();
        let mean = f64::from(flipped) / pairs as f64;
        // A fair coin thrown 64 times: mean 32, standard error 4 / 100.
        assert!((mean - 32.0).abs() < 0.2, "{mean}");
    }

    #[test]
    fn texts_and_seeds_are_told_apart() {
        let hashes: std::collections::HashSet<u64> = (0..1000).map(|n| text(&format!("users-{n}"))).collect();
        assert_eq!(hashes.len(), 1000);
        assert_ne!(fnv1a_seeded(1, b"users"), fnv1a_seeded(2, b"users"));
    }
}
