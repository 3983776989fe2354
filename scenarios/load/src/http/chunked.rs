//! The chunked transfer coding (RFC 9112, section 7.1), byte by byte except for the data.

use super::error::ReadError;

/// Longest chunk extensions and trailers of one answer, together, bytes.
const EXTRA_MAX: u32 = 64 * 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In the size; how many digits were read.
    Size(u8),
    /// After the size, in a chunk extension.
    Extension,
    /// After the CR of the size line.
    SizeEnd,
    /// In the data.
    Data,
    /// After the data, before its CR, then before its LF.
    DataCr,
    DataLf,
    /// At the beginning of a trailer line.
    TrailerStart,
    /// Within a trailer line, and after its CR.
    Trailer,
    TrailerEnd,
    /// After the CR of the empty line that ends it all.
    LastLf,
}

/// Where the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunked {
    phase: Phase,
    /// Size of the chunk, then what is left of it.
    left: u64,
    extra: u32,
}

/// What a step took from the input.
pub(super) struct Step {
    /// Bytes of the input that were used.
    pub(super) used: usize,
    /// How many of them, at the end of those used, are data.
    pub(super) data: usize,
    /// Whether the body is complete.
    pub(super) done: bool,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Size(0),
            left: 0,
            extra: 0,
        }
    }

    /// Takes the next piece: any amount of framing followed by at most one run of data.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Step, ReadError> {
        for (at, &byte) in input.iter().enumerate() {
            if self.phase == Phase::Data {
                let data = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - at);
                self.left -= data as u64;
                if self.left == 0 {
                    self.phase = Phase::DataCr;
                }
                return Ok(Step {
                    used: at + data,
                    data,
                    done: false,
                });
            }
            if self.framing(byte)? {
                return Ok(Step {
                    used: at + 1,
                    data: 0,
                    done: true,
                });
            }
        }
        Ok(Step {
            used: input.len(),
            data: 0,
            done: false,
        })
    }

    /// Takes one byte of framing; true at the end of the body.
    fn framing(&mut self, byte: u8) -> Result<bool, ReadError> {
        self.phase = match (self.phase, byte) {
            (Phase::Size(digits), _) if byte.is_ascii_hexdigit() => {
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                // Sixteen digits fill 64 bits; leading zeros without end are refused by the same limit.
                if digits == 16 {
                    return Err(ReadError::Oversized);
                }
                self.left = (self.left << 4) | digit;
                Phase::Size(digits + 1)
            }
            (Phase::Size(1..), b'\r') | (Phase::Extension, b'\r') => Phase::SizeEnd,
            (Phase::Size(1..), b';' | b' ' | b'\t') => Phase::Extension,
            (Phase::Extension, _) if byte != b'\n' => self.extra(Phase::Extension)?,
            (Phase::SizeEnd, b'\n') if self.left == 0 => Phase::TrailerStart,
            (Phase::SizeEnd, b'\n') => Phase::Data,
            (Phase::DataCr, b'\r') => Phase::DataLf,
            (Phase::DataLf, b'\n') => Phase::Size(0),
            (Phase::TrailerStart, b'\r') => Phase::LastLf,
            (Phase::TrailerStart | Phase::Trailer, _) if byte != b'\r' && byte != b'\n' => {
                self.extra(Phase::Trailer)?
            }
            (Phase::Trailer, b'\r') => Phase::TrailerEnd,
            (Phase::TrailerEnd, b'\n') => Phase::TrailerStart,
            (Phase::LastLf, b'\n') => return Ok(true),
            _ => return Err(ReadError::Malformed),
        };
        Ok(false)
    }

    fn extra(&mut self, next: Phase) -> Result<Phase, ReadError> {
        self.extra += 1;
        if self.extra > EXTRA_MAX {
            Err(ReadError::Oversized)
        } else {
            Ok(next)
        }
    }
}
