//! Hashes that are the same on every machine and in every run, unlike those of the standard library.

/// Spreads a number over all 64 bits: the finaliser of SplitMix64.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014 (variant 13 of D. Stafford).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    // The added constant keeps zero from being mapped to zero.
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of a text: FNV-1a, whose last bits alone are good, spread by [`mix`].
///
/// Source: G. Fowler, L. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.
#[must_use]
pub const fn hash_text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    mix(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_in_about_half_of_their_bits() {
        let pairs = 10_000_u64;
        let flipped: u32 = (0..pairs).map(|n| (mix(n) ^ mix(n + 1)).count_ones()).sum();
        let mean = f64::from(flipped) / pairs as f64;
        // A fair coin thrown 64 times: mean 32, standard error 4 / 100.
        assert!((mean - 32.0).abs() < 0.2, "{mean}");
    }

    #[test]
    fn texts_that_differ_in_one_letter_are_told_apart() {
        let hashes: std::collections::HashSet<u64> = (0..1000).map(|n| hash_text(&format!("users-{n}"))).collect();
        assert_eq!(hashes.len(), 1000);
    }
}
