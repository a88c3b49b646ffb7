//! Maps and arrays.

use super::{call, fails, gives};
use crate::value::{MAX_DEPTH, Map, Value};

/// Scenario: keys, paths and arrays of keys into maps, texts that are JSON, and what is neither.
/// Guarantee: the value, the default where there is none; `map_get` splits at points, `mget` does not.
#[test]
fn values_are_found_in_maps() {
    gives(&[
        ("map_get", r#"["a.b","{\"a\":{\"b\":1}}"]"#, "1"),
        ("map_get", r#"["a.b",{"a":"text"},"none"]"#, r#""none""#),
        ("map_get", r#"["a",7]"#, r#""undefined""#),
        ("map_get", r#"["a","no JSON",0]"#, "0"),
        ("map_get", r#"["a",{"a":null},0]"#, "null"),
        ("mget", r#"["a.b",{"a.b":1}]"#, "1"),
        ("mget", r#"[["a","b"],{"a":{"b":1}}]"#, "1"),
        ("mget", r#"["x",{},0]"#, "0"),
        ("map_keys", r#"["{\"b\":1,\"a\":2}"]"#, r#"["b","a"]"#),
        ("map_values", r#"[{"b":1,"a":2}]"#, "[1,2]"),
        (
            "map_to_entries",
            r#"[{"b":1}]"#,
            r#"[{"key":"b","value":1}]"#,
        ),
        ("map_size", r#"[{"a":1,"b":2}]"#, "2"),
    ]);
    fails(&[
        (
            "map_get",
            "[1,{}]",
            "map_get: argument 1 must be text, not integer",
        ),
        (
            "mget",
            r#"["a",1]"#,
            "mget: argument 2 must be a map, not integer",
        ),
        (
            "mget",
            "[[1],{}]",
            "mget: argument 1 must be a key or an array of keys, not array",
        ),
        (
            "map_size",
            r#"["x"]"#,
            "map_size: argument 1: not JSON: expected value at line 1 column 1",
        ),
    ]);
}

/// Scenario: values are put where one is, where none is, into what is no map; undefined is put; a path
/// or value is too deep.
/// Guarantee: what is beside them stays, undefined is put as any value, and nothing gets deeper than JSON
/// may.
#[test]
fn values_are_put_into_maps() {
    gives(&[
        (
            "map_put",
            r#"["a.c",1,{"a":{"b":0}}]"#,
            r#"{"a":{"b":0,"c":1}}"#,
        ),
        ("map_put", r#"["a",1,"UNDEFINED"]"#, r#"{"a":1}"#),
        (
            "map_put",
            r#"["a","UNDEFINED",{"a":1}]"#,
            r#"{"a":"undefined"}"#,
        ),
        ("map_put", r#"["b",1,"{\"a\":0}"]"#, r#"{"a":0,"b":1}"#),
        ("map_put", r#"["b",1,"text"]"#, r#"{"b":1}"#),
        ("mput", r#"["b",1,"{\"a\":0}"]"#, r#"{"a":0,"b":1}"#),
        ("mput", r#"["a.b",1,{}]"#, r#"{"a.b":1}"#),
        ("mput", r#"[["a","b"],1,{"c":0}]"#, r#"{"c":0,"a":{"b":1}}"#),
    ]);
    fails(&[(
        "mput",
        "[[],1,{}]",
        "mput: argument 1 must be a key or an array of keys, not array",
    )]);
    let put = |path: String, value| {
        call(
            "map_put",
            &[Value::text(path), value, Value::map(Map::new())],
        )
    };
    let path = vec!["a"; MAX_DEPTH].join(".");
    let deepest = put(path.clone(), Value::Int(1)).unwrap();
    assert_eq!(
        call("json_decode", &[Value::Text(deepest.to_json())]).is_ok(),
        MAX_DEPTH < 128
    );
    let message = put("a".into(), deepest).unwrap_err();
    assert_eq!(
        message,
        "map_put: the result is nested too deeply; the limit is 128"
    );
    assert!(put(path + ".a", Value::Int(1)).is_err());
    assert!(put(".".repeat(1 << 20), Value::Int(1)).is_err());
}

/// Scenario: members and parts of arrays, at and beyond their ends.
/// Guarantee: members beyond an end fail, parts are as long as they can be.
#[test]
fn arrays_count_from_one() {
    gives(&[
        ("nth", "[2,[1,2,3]]", "2"),
        ("first", "[[1,2]]", "1"),
        ("last", "[[1,2]]", "2"),
        ("sublist", "[0,[1,2]]", "[]"),
        ("sublist", "[2,1,[1,2,3]]", "[2]"),
        ("sublist", "[9,1,[1,2,3]]", "[]"),
        ("contains", "[1,[1.0]]", "false"),
        ("contains", r#"[{"a":1,"b":2},[{"b":2,"a":1}]]"#, "true"),
        ("contains", "[[1],[[1]]]", "true"),
    ]);
    fails(&[
        (
            "nth",
            "[-1,[1]]",
            "nth: argument 1 must be from 1 to the array's 1, not -1",
        ),
        ("first", "[[]]", "first: argument 1 must not be empty"),
        (
            "sublist",
            "[0,1,[1]]",
            "sublist: argument 1 must be from 1 to 18446744073709551615, not 0",
        ),
        (
            "sublist",
            "[-1,[1]]",
            "sublist: argument 1 must be from 0 to 18446744073709551615, not -1",
        ),
        (
            "contains",
            "[1,{}]",
            "contains: argument 2 must be an array, not map",
        ),
    ]);
}
