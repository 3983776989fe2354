//! What Redis does in one step each. `KEYS[1]` is the lock, `ARGV[1]` the owner.

use redis::Script;

/// Wins the lock and issues the token, or gives nil. An owner that holds the lock already has won it by an earlier try
/// whose answer was lost; nobody has won it since, so the counter still shows its token.
const ACQUIRE: &str = r"
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]))
end
return nil
";

/// Wins the lock without a token, or gives nil: for the wrong way that took the token before.
const ACQUIRE_WITHOUT_TOKEN: &str = r"
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', KEYS[1]) == ARGV[1] then
  return 1
end
return nil
";

/// Compare and delete: 1 when it was ours, else 0.
const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
";

/// The wrong way: deletes whatever is there, and tells what it was: 1 ours, 2 another's, 0 nothing.
const RELEASE_BARE: &str = r"
local holder = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
if not holder then
  return 0
end
return holder == ARGV[1] and 1 or 2
";

/// Compare and extend: 1 when it was ours, else 0.
const EXTEND: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
";

/// The scripts with their hashes, by which Redis knows them once it was sent them.
pub(crate) struct Scripts {
    pub(crate) acquire: Script,
    pub(crate) acquire_without_token: Script,
    pub(crate) release: Script,
    pub(crate) release_bare: Script,
    pub(crate) extend: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            acquire: Script::new(ACQUIRE),
            acquire_without_token: Script::new(ACQUIRE_WITHOUT_TOKEN),
            release: Script::new(RELEASE),
            release_bare: Script::new(RELEASE_BARE),
            extend: Script::new(EXTEND),
        }
    }
}
