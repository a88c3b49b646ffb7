//! Formats and regular expressions.

use super::{fails, gives};

/// Scenario: each control sequence with widths, precisions and fillings; too few and too many values.
/// Guarantee: what Erlang prints.
#[test]
fn formats_are_erlangs() {
    gives(&[
        (
            "sprintf",
            r#"["~s|~5s|~-5s|~2s|~~~n","ab","ab","ab","abcd"]"#,
            r#""ab|   ab|ab   |ab|~\n""#,
        ),
        (
            "sprintf",
            r#"["~8..0b ~.16B ~.2b ~.16# ~3b",42,-255,5,31,12345]"#,
            r#""00000042 -FF 101 16#1F ***""#,
        ),
        (
            "sprintf",
            r#"["~.2f ~8.1f ~e ~.3g ~g",1.005,-2.25,123.45,0.00012,1234.5]"#,
            r#""1.00     -2.3 1.23450e+2 1.20e-4 1234.50""#,
        ),
        (
            "sprintf",
            r#"["~*s ~*.*.xs~i",4,"a",6,2,"bcd",0]"#,
            r#""   a xxxxbc""#,
        ),
        (
            "sprintf",
            r#"["~p ~w ~tp","a\"b","ab","门"]"#,
            r#""<<\"a\\\"b\">> <<97,98>> <<\"门\"/utf8>>""#,
        ),
        (
            "sprintf",
            r#"["~p ~p ~p",{"a":[1,2.0]},null,"门"]"#,
            r##""#{<<\"a\">> => [1,2.0]} null <<233,151,168>>""##,
        ),
        (
            "sprintf",
            r#"["~p ~p ~w ~p ~p",100.0,1000.0,-0.0001,0.00001,9007199254740992.0]"#,
            r#""100.0 1.0e3 -0.0001 1.0e-5 9.007199254740992e15""#,
        ),
        ("sprintf", r#"["~c~3c",65,66]"#, r#""ABBB""#),
        ("sprintf", r#"["~X",10,"0x"]"#, r#""0x10""#),
    ]);
    fails(&[
        (
            "sprintf",
            r#"["~s"]"#,
            "sprintf: the format wants an argument 2",
        ),
        (
            "sprintf",
            r#"["",1]"#,
            "sprintf: the format has no place for argument 2",
        ),
        (
            "sprintf",
            r#"["~s",1]"#,
            "sprintf: argument 2 must be text, not integer",
        ),
        (
            "sprintf",
            r#"["~q",1]"#,
            "sprintf: the format has an unknown sequence ~q",
        ),
        (
            "sprintf",
            r#"["a~5.",1]"#,
            "sprintf: the format ends within a sequence",
        ),
        (
            "sprintf",
            r#"["~.99b",1]"#,
            "sprintf: a base is from 2 to 36",
        ),
    ]);
}

/// Scenario: replacements with groups, patterns that need Unicode, groups that take no part, patterns
/// that no linear engine can search.
/// Guarantee: Erlang's results, or an error that names what is wrong with the pattern.
#[test]
fn patterns_are_searched() {
    gives(&[
        ("regex_match", r#"["门锁","^[门锁]+$"]"#, "true"),
        ("regex_match", r#"["abc","B"]"#, "false"),
        ("regex_match", r#"["abc","(?i)B"]"#, "true"),
        (
            "regex_replace",
            r#"["accbcd","c+","[&]"]"#,
            r#""a[cc]b[c]d""#,
        ),
        (
            "regex_replace",
            r#"["ab","(a)(b)","\\2\\g1\\g{2}\\&\\9"]"#,
            r#""bab&""#,
        ),
        ("regex_replace", r#"["abc","x","-"]"#, r#""abc""#),
        ("regex_extract", r#"["ab","(x)?(a)(y)?"]"#, r#"["","a"]"#),
        ("regex_extract", r#"["ab","a"]"#, "[]"),
    ]);
    fails(&[
        (
            "regex_match",
            r#"["a","(?=a)"]"#,
            "regex_match: argument 2 is no pattern: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "regex_match",
            r#"["a","("]"#,
            "regex_match: argument 2 is no pattern: unclosed group",
        ),
        (
            "regex_match",
            r#"["a",1]"#,
            "regex_match: argument 2 must be text, not integer",
        ),
    ]);
}
