//! Links between pages.

use std::collections::BTreeSet;

use super::pages::{Page, all, repository};

/// What stands in the parentheses of `[words](target)`, but for the web's.
fn targets(page: &Page) -> impl Iterator<Item = &str> {
    let behind = page.text.split("](").skip(1);
    let targets = behind.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| !target.contains("://"))
}

/// The fragments of a page's headings, as code hosts make them.
fn fragments(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let titles = headings.map(|rest| rest.trim_start_matches('#').trim().to_lowercase());
    let fragment = |title: String| -> String {
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    titles.map(fragment).collect()
}

/// Scenario: a page or a heading was renamed, and another page links to it.
/// Guarantee: every link within the repository leads to a file or folder, and to a heading in it.
#[test]
fn every_link_leads_somewhere() {
    for page in all() {
        for target in targets(&page) {
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let from = repository().join(&page.path);
            let to = match file {
                "" => from,
                file => from.parent().unwrap().join(file),
            };
            let shown = page.path.display();
            assert!(to.exists(), "{shown} links to {target}, which is not there");
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&to).unwrap();
                assert!(
                    fragments(&text).contains(fragment),
                    "{shown} links to {target}, which has no such heading"
                );
            }
        }
    }
}
