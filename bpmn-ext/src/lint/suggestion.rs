//! Names that were probably meant. Knows how similar two names are; must not know what they name.

use crate::diagnostic::{Fix, quote};

/// A help text with the first known name that is similar, else with the known names.
pub(super) fn suggestion(wrong: &str, known: &[String]) -> String {
    let is_similar = |name: &&String| name.eq_ignore_ascii_case(wrong) || distance(name, wrong) <= 2;
    match known.iter().find(is_similar) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are {}", known.iter().take(12).map(|name| quote(name)).collect::<Vec<_>>().join(", ")),
    }
}

/// The known name that was probably meant: the only one that differs in case alone, else the only similar one.
pub(super) fn near<'k>(wrong: &str, known: &(impl IntoIterator<Item = &'k str> + Clone)) -> Option<&'k str> {
    let only = |is_meant: &dyn Fn(&str) -> bool| {
        let mut meant = known.clone().into_iter().filter(|name| is_meant(name));
        let first = meant.next()?;
        meant.all(|other| other == first).then_some(first)
    };
    only(&|name| name.eq_ignore_ascii_case(wrong)).or_else(|| only(&|name| distance(name, wrong) <= 2))
}

/// The fix that puts the name that was probably meant at a path.
pub(super) fn use_near(wrong: &str, known: &[String], path: &str) -> Option<Fix> {
    near(wrong, &known.iter().map(String::as_str))
        .map(|name| Fix::new(format!("Use {name}"), path, Some(name.to_owned())))
}

/// Characters of a name that are compared: the distance takes time in proportion to the product of both lengths.
const COMPARED_CHARS: usize = 64;

/// The Levenshtein distance between the beginnings of two names.
fn distance(a: &str, b: &str) -> usize {
    let beginning = |text: &str| text.chars().take(COMPARED_CHARS).collect::<String>();
    strsim::levenshtein(&beginning(a), &beginning(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_suggested() {
        let known = ["Rates".to_owned(), "Customers".to_owned()];
        assert_eq!(suggestion("rates", &known), "did you mean `Rates`?");
        assert_eq!(suggestion("Raets", &known), "did you mean `Rates`?");
        assert_eq!(suggestion("Mail", &known), "there are `Rates`, `Customers`");
        assert_eq!(suggestion("Mail", &[]), "there is none");
    }
    #[test]
    fn only_one_name_can_have_been_meant() {
        let known = ["Rates", "RATES", "Dates", "Rates"];
        assert_eq!(near("rates", &known), None, "two differ in case alone");
        assert_eq!(
            near("rates", &known.iter().skip(2).copied()),
            Some("Rates"),
            "case counts before distance, and twice is once"
        );
        assert_eq!(near("Gates", &known.iter().skip(2).copied()), None, "two are similar");
        assert_eq!(near("Mail", &known), None);
    }
}
