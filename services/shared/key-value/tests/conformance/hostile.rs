//! Scripts that try to end the server, to keep it, or to spoil it for the scripts after them.

use crate::servers::{Client, Server};

fn eval(client: &mut Client, script: &str) -> String {
    String::from_utf8_lossy(&client.ask(&["EVAL", script, "0"])).into_owned()
}

/// Runs scripts, each of which has to get such an answer and to leave the server as well as before.
#[track_caller]
fn each(server: &Server, scripts: &[&str], is_right: impl Fn(&str) -> bool) {
    let mut client = server.client();
    for script in scripts {
        let answer = eval(&mut client, script);
        let shown = answer.get(..200).unwrap_or(&answer);
        assert!(is_right(&answer), "{script}: {shown}");
        assert_eq!(eval(&mut client, "return 1"), ":1\r\n", "after {script}");
    }
}

pub fn scripts_that_call_themselves_without_end_get_an_answer(server: &Server) {
    let endless = [
        "local function f() return pcall(f) end return f()",
        "local function f() return xpcall(f, f) end return f()",
        "local function f() return 1 + f() end return f()",
        "local function f() return coroutine.wrap(f)() end return f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
        "return tostring(setmetatable({}, { __tostring = function(t) return tostring(t) end }))",
        "local function f() return string.gsub('a', 'a', f) end return f()",
        "local function f() table.sort({ 1, 2 }, f) end return f()",
        "return loadstring(string.rep('(', 10000))",
    ];
    // Whether that is an error differs: Redis goes as deep as its own Lua lets it.
    each(server, &endless, |answer| answer.ends_with("\r\n"));
    each(server, &["return unpack({}, 1, 2147483647)"], |answer| {
        answer.contains("too many results to unpack")
    });
}

pub fn a_call_hands_on_as_many_results_as_there_are(server: &Server) {
    let mut client = server.client();
    let many = "local t = {} for n = 1, 100 do t[n] = n end ";
    for script in [
        "return select('#', pcall(unpack, t))",
        "return select('#', xpcall(function() return unpack(t) end, error))",
        "return select('#', coroutine.resume(coroutine.create(function() return unpack(t) end)))",
        "local co = coroutine.create(function() coroutine.yield(unpack(t)) end) return select('#', coroutine.resume(co))",
        "return 1 + select('#', coroutine.wrap(function() return unpack(t) end)())",
    ] {
        assert_eq!(eval(&mut client, &format!("{many}{script}")), ":101\r\n", "{script}");
    }
    assert_eq!(eval(&mut client, &format!("{many}return unpack(t)")), ":1\r\n");
}

pub fn a_script_cannot_change_what_others_find(server: &Server) {
    let changes = [
        "table.insert(_G, 'x')",
        "table.insert(redis, 'x')",
        "table.sort(string, function() end) rawset(string, 'x', 1)",
        "string.len = nil",
    ];
    each(server, &changes, |answer| answer.contains("readonly table"));
    each(server, &["return { #_G, #redis }"], |answer| {
        answer == "*2\r\n:0\r\n:0\r\n"
    });
}

pub fn functions_of_strings_do_what_lua_documents(server: &Server) {
    let mut client = server.client();
    for (script, told) in [
        ("string.find('hello', 'l+')", "3 4"),
        ("string.find('hello', '(l)(.)', -3)", "3 4 l l"),
        ("string.find('a.b', '.', 2, true)", "2 2"),
        ("string.find('abc', 'b', 10)", "nil"),
        ("string.find('abc', '', 10)", "4 3"),
        ("string.find('a\\0b', 'b')", "3 3"),
        ("string.match('key=12', '(%w+)=(%d+)')", "key 12"),
        ("string.match('  x ', '^%s*(.-)%s*$')", "x"),
        ("string.match('abc', '()b()')", "2 3"),
        ("string.match(12345, '%d%d')", "12"),
        ("string.gsub('hello world', 'o', '0')", "hell0 w0rld 2"),
        ("string.gsub('hello', '', '-')", "-h-e-l-l-o- 6"),
        ("string.gsub('abc', '%w*', 'x')", "xx 2"),
        ("string.gsub('abc', '%w', '%0%0', 2)", "aabbc 2"),
        ("string.gsub('a b', '(%w) (%w)', '%2 %1%%')", "b a% 1"),
        ("string.gsub('$a $b', '%$(%w)', { a = 1 })", "1 $b 2"),
        (
            "string.gsub('abc', '%w', function(l) if l == 'b' then return 'B' end end)",
            "aBc 3",
        ),
        ("string.gsub('aaa', '^a', 'b')", "baa 1"),
        ("string.rep('ab', 3)", "ababab"),
        ("string.rep('ab', -1)", ""),
        ("pcall(string.find, 'a', '[')", "false malformed pattern (missing ']')"),
        ("pcall(string.gsub, 'a', 'a', '%2')", "false invalid capture index"),
        (
            "pcall(string.gsub, 'a', 'a', function() return {} end)",
            "false invalid replacement value (a table)",
        ),
    ] {
        let joined = format!(
            "local r = {{ {script} }} for n = 1, math.max(#r, 1) do r[n] = tostring(r[n]) end \
             return table.concat(r, ' ')"
        );
        let answer = eval(&mut client, &joined);
        assert_eq!(answer, format!("${}\r\n{told}\r\n", told.len()), "{script}");
    }
    let words = "local r = {} for k, v in string.gmatch('a=1, b=2', '(%w)=(%w)') do r[#r + 1] = k .. v end return r";
    assert_eq!(eval(&mut client, words), "*2\r\n$2\r\na1\r\n$2\r\nb2\r\n");
    let letters = "local n = 0 for _ in string.gmatch('abc', '') do n = n + 1 end return n";
    assert_eq!(eval(&mut client, letters), ":4\r\n");
}

pub fn an_endless_script_is_stopped_and_cannot_catch_that(server: &Server) {
    let endless = [
        "while true do pcall(function() while true do end end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local function f(n) for i = 1, n * 90 do coroutine.wrap(f)(n - 1) end end f(30)",
        "return xpcall(error, function() while true do end end)",
        "return string.find(string.rep('a', 100000), string.rep('.-', 8) .. 'b')",
        "return string.find(string.rep('(', 1000000), string.rep('%b()', 100))",
        "while true do string.rep('', 2147483647) end",
    ];
    each(server, &endless, |answer| {
        answer.starts_with("-ERR Script ran for more than 5 seconds")
    });
    each(server, &["return table.insert({}, -2147483648, 1)"], |answer| {
        answer.contains("position out of bounds")
    });
    let long = "return loadstring(string.rep('x or ', 1000000) .. 'x')";
    each(server, &[long], |answer| answer == "$-1\r\n");
}

pub fn a_script_that_takes_too_much_is_refused_and_the_next_one_runs(server: &Server) {
    for (script, why) in [
        ("local s = 'x' while true do s = s .. s end", "not enough memory"),
        (
            "local t = {} while true do t[#t + 1] = { 1, 2, 3 } end",
            "not enough memory",
        ),
        (
            "collectgarbage('stop') local t = {} while true do t[#t + 1] = { 1 } end",
            "not enough memory",
        ),
        ("return string.rep('x', 2147483647)", "resulting string too large"),
        (
            "local t = {} for n = 1, 7000 do t[n] = string.rep('x', 1000000) end return redis.call('ECHO', unpack(t))",
            "the command is longer than 256 MB",
        ),
        (
            "return string.find(string.rep('x', 1000000), string.rep('x?', 1000000))",
            "pattern too complex",
        ),
        (
            "return unpack({}, -2147483648, 2147483647)",
            "too many results to unpack",
        ),
    ] {
        // A slow machine fills the memory for longer than a script may run.
        each(server, &[script], |answer| {
            answer.starts_with("-ERR ") && (answer.contains(why) || answer.contains("more than 5 seconds"))
        });
    }
    let long = format!("return 1{}", " ".repeat(64 * 1024));
    each(server, &[&long], |answer| answer.contains("longer than 64 KB"));
}

pub fn scripts_that_are_loaded_do_not_use_up_the_memory(server: &Server) {
    let mut client = server.client();
    let filling = "local a = {".to_owned() + &"1,".repeat(31_000) + "} return ";
    for number in 0..1_200 {
        let answer = client.ask(&["SCRIPT", "LOAD", &format!("{filling}{number}")]);
        assert!(answer.starts_with(b"$40"), "{}", String::from_utf8_lossy(&answer));
    }
    each(server, &["return 'x'"], |answer| answer == "$1\r\nx\r\n");
}

pub fn scripts_that_were_run_once_are_forgotten_and_loaded_ones_stay(server: &Server) {
    let mut client = server.client();
    let loaded = client.tell("SCRIPT LOAD return'loaded'");
    let loaded = loaded.lines().nth(1).expect("the hash is told");
    let both = "SCRIPT LOAD return'both'";
    assert_eq!(eval(&mut client, "return'both'"), "$4\r\nboth\r\n");
    let both = client.tell(both);
    let both = both.lines().nth(1).expect("the hash is told");
    // Lua for Rust has some 8,000 places for what Rust holds.
    for number in 0..9_000 {
        assert_eq!(eval(&mut client, &format!("return {number}")), format!(":{number}\r\n"));
    }
    assert_eq!(client.tell(&format!("EVALSHA {loaded} 0")), "$6\r\nloaded\r\n");
    assert_eq!(client.tell(&format!("EVALSHA {both} 0")), "$4\r\nboth\r\n");
    let sha_of = |number: u32| format!("return redis.sha1hex('return {number}')");
    let mut known = |number| {
        let sha = eval(&mut client, &sha_of(number));
        let sha = sha.lines().nth(1).expect("the hash is told").to_owned();
        client.tell(&format!("SCRIPT EXISTS {sha}"))
    };
    assert_eq!([known(0), known(8_999)], ["*1\r\n:0\r\n", "*1\r\n:1\r\n"]);
}

pub fn an_answer_without_end_is_refused(server: &Server) {
    let endless = [
        "local t = {} for n = 1, 50 do t[n] = t end return t",
        "local t = {} t.map = { a = t, b = t } return t",
        "local t = {} t.set = { [t] = true } return { t, t }",
        "local s, t = string.rep('x', 1000000), {} for n = 1, 1000 do t[n] = s end return t",
        "local s, t = string.rep('x', 1000000), {} for n = 1, 1000 do t[n] = { err = s } end return t",
    ];
    each(server, &endless, |answer| {
        let is_refused = answer.starts_with("-ERR the answer is longer than 256 MB")
            || answer.starts_with("-ERR Script ran for more than 5 seconds");
        // A table that holds only itself is as deep as an answer may be.
        let is_deep = answer.len() < 100_000 && answer.contains("reached lua stack limit");
        is_refused || is_deep
    });
}

pub fn an_answer_that_is_too_long_is_refused(server: &Server) {
    let mut client = server.client();
    let long = "x".repeat(1_000_000);
    client.ask(&["SADD", "set", &long]);
    client.ask(&["HSET", "hash", "f", &long]);
    client.ask(&["SET", "text", &long]);
    let too_long = b"-ERR the answer is longer than 256 MB\r\n";
    let repeated = |command: &[&'static str], what: &'static str| [command, &vec![what; 1_000]].concat();
    for command in [
        vec!["SRANDMEMBER", "set", "-1000"],
        repeated(&["MGET"], "text"),
        repeated(&["HMGET", "hash"], "f"),
    ] {
        assert_eq!(client.ask(&command), too_long, "{}", command[0]);
    }
    client.tell("MULTI");
    for _ in 0..1_000 {
        client.tell("GET text");
    }
    client.tell("SET done 1");
    let answer = client.ask(&["EXEC"]);
    assert!(answer.starts_with(b"*1001\r\n$1000000\r\n") && answer.len() < 300_000_000);
    let end = [&too_long[..], b"+OK\r\n"].concat();
    assert!(answer.ends_with(&end), "what fits no more is told");
    assert_eq!(client.tell("GET done"), "$1\r\n1\r\n", "and each command is done");
}
