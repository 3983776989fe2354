//! What the exit code of a container says.

use crate::backend::core::Exit;

/// Exit codes above this one are signals (<https://tldp.org/LDP/abs/html/exitcodes.html>).
const SIGNALLED: i64 = 128;
const SIGNAL_MAX: i64 = 64;

/// How a container ended that had this exit code.
pub(super) fn exit_of(code: i64) -> Exit {
    let number = |code: i64| i32::try_from(code).ok();
    match code {
        code if (SIGNALLED + 1..=SIGNALLED + SIGNAL_MAX).contains(&code) => Exit {
            code: None,
            signal: number(code - SIGNALLED),
        },
        code => Exit {
            code: number(code),
            signal: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_by_signal_is_told_from_one_by_code() {
        let exit = |code, signal| Exit { code, signal };
        assert_eq!(exit_of(0), exit(Some(0), None));
        assert_eq!(exit_of(2), exit(Some(2), None));
        assert_eq!(exit_of(128), exit(Some(128), None));
        assert_eq!(exit_of(137), exit(None, Some(9)));
        assert_eq!(exit_of(143), exit(None, Some(15)));
        assert_eq!(exit_of(255), exit(Some(255), None));
    }
}
