use super::toml_text::{TomlValue, action, comment, quoted, statement};

/// All texts of up to five of these characters.
fn texts() -> Vec<String> {
    let alphabet = ['\'', '"', '\\', '\n', '\r', '#', '\u{7f}', 'ü'];
    let mut texts = vec![String::new()];
    let mut longest = texts.clone();
    for _ in 0..5 {
        longest = longest
            .iter()
            .flat_map(|text| alphabet.map(|character| format!("{text}{character}")))
            .collect();
        texts.extend(longest.iter().cloned());
    }
    texts
}

fn value(toml: &str) -> toml::Table {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{toml:?}: {error}"))
}

/// Scenario: texts with all that means something in TOML, as values and as names of headers.
/// Guarantee: they are read back as they were.
#[test]
fn texts_are_read_back() {
    for text in texts() {
        let read = value(&format!("k = {}\n", quoted(&text)));
        assert_eq!(read["k"].as_str(), Some(&*text));
        let headers = TomlValue::Texts(vec![(text.clone(), text.clone())]);
        let table = vec![
            ("topic", TomlValue::Text(text.clone())),
            ("headers", headers),
        ];
        let read = value(&format!(
            "[[rule]]\n[[rule.action]]\n{}\n",
            action("kafka", &table)
        ));
        let kafka = &read["rule"][0]["action"][0]["kafka"];
        assert_eq!(kafka["topic"].as_str(), Some(&*text));
        assert_eq!(kafka["headers"][&text].as_str(), Some(&*text));
    }
}

/// Scenario: the same texts as comments.
/// Guarantee: nothing in them gets out of the comment.
#[test]
fn comments_hold_anything() {
    for text in texts() {
        let read = value(&format!("{}\n", comment(&format!("{text}x = 1"))));
        assert!(read.is_empty(), "{text:?}");
    }
}

/// Scenario: statements in one line and in several, with quotes of both kinds.
/// Guarantee: they look as a person would write them, and differ only in the blanks around them.
#[test]
fn statements_look_written() {
    let one = r#"SELECT * FROM "a""#;
    assert_eq!(statement(one), format!("'{one}'"));
    let quotes = "SELECT 'x' AS x FROM \"a\"";
    assert_eq!(statement(quotes), format!("'''{quotes}'''"));
    let lines = "SELECT *\r\nFROM \"a\"\r\nWHERE b = 'c'\r\n";
    let expected = "'''\nSELECT *\nFROM \"a\"\nWHERE b = 'c'\n'''";
    assert_eq!(statement(lines), expected);
    for text in texts() {
        let read = value(&format!("k = {}\n", statement(&text)));
        let read = read["k"].as_str().unwrap();
        assert_eq!(read.trim(), text.replace("\r\n", "\n").trim());
    }
}
