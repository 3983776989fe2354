//! Mutated scripts: whatever one does, it ends, and the next one finds Lua as it was.

use attack::Attack;

use super::*;

const INPUTS: [&str; 14] = [
    "local function f(n) return pcall(f, n + 1) end return f(1)",
    "local function f() return xpcall(f, f) end return f()",
    "return string.find(string.rep('x', 1000), string.rep('x?', 1000))",
    "return { string.gsub('hello world', '(%w+) (%w+)', '%2 %1', 3) }",
    "local t = {} for k, v in string.gmatch('a=1, b=2', '(%w)=(%w)') do t[#t + 1] = k .. v end return t",
    "return unpack({ 1, 2, 3 }, 1, 3)",
    "local t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end) return table.concat(t, ',', 1, 3)",
    "local t = {} table.insert(t, 1, 'x') table.remove(t, 1) return #t",
    "local co = coroutine.wrap(function(a) coroutine.yield(a) return 2 end) return { co(1), co() }",
    "local t = setmetatable({}, { __index = function(t, k) return rawget(t, k) end }) return t.x",
    "return string.format('%5.2f %q %s %d', 1.5, 'a', 'b', 3)",
    "local t = {} t[1] = t return { 1, 'a', { ok = 'OK' }, { err = 'ERR' }, { double = 1.5 }, { map = { a = 1 } } }",
    "return redis.pcall('ECHO', ARGV[1], tonumber('10', 16), #KEYS, select('#', 1, 2))",
    "return loadstring('return ' .. string.char(49) .. math.floor(1.5))()",
];

const WORDS: [&str; 34] = [
    "pcall(",
    "xpcall(",
    "error(",
    "unpack(",
    "coroutine.wrap(",
    "coroutine.yield(",
    "coroutine.resume(",
    "string.rep(",
    "string.find(",
    "string.gsub(",
    "string.byte(",
    "string.sub(",
    "string.format(",
    "table.insert(",
    "table.concat(",
    "table.sort(",
    "collectgarbage('stop')",
    "setmetatable(",
    "getmetatable('')",
    "_G",
    "redis",
    "string",
    "function() ",
    " end ",
    "while true do ",
    "for i = 1, 100 do ",
    "2147483647",
    "-2147483648",
    "1e308",
    "0/0",
    "nil",
    ")",
    "}",
    " .. ",
];

fn outcome(scripts: &mut Scripts, body: &[u8]) -> Answer {
    let sha = scripts.load(body, Origin::Evaluated)?;
    let call = Call {
        database: 0,
        keys: &[b"k".to_vec()],
        arguments: &[b"a".to_vec()],
    };
    scripts.run(&sha, &call)
}

#[test]
fn attack_scripts() {
    let echo = |_: usize, words: &[Vec<u8>]| Ok(Reply::Array(words.iter().cloned().map(Reply::Text).collect()));
    let mut scripts = Scripts::new("7", echo).unwrap();
    let inputs = INPUTS
        .into_iter()
        .fold(Attack::new("scripts", env!("CARGO_MANIFEST_DIR")), Attack::input);
    WORDS.into_iter().fold(inputs, Attack::word).run(5_000, |body| {
        // As long as a loop needs to be one, and short enough for many of them.
        scripts.run_max = Duration::from_millis(50);
        // An error is an answer, too.
        let _ = outcome(&mut scripts, body);
        scripts.run_max = RUN_MAX;
        let unchanged = b"return #_G + #redis + #string + #table + string.len('abc')";
        assert_eq!(outcome(&mut scripts, unchanged), Ok(Reply::Integer(3)));
        assert!(
            scripts.lua.used_memory() <= MEMORY_BYTES_MAX / 2,
            "{}",
            scripts.lua.used_memory()
        );
    });
}
