use std::io::Write as _;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{Attributes, Difference, ObjectArguments, Objects, differences};
use crate::output::{Cell, Column, Format, Sheet, Style, print};

/// Show which attributes differ between two revisions of an object
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev diff game/answers everything
  annals rev diff game/answers everything 2..5
  annals rev diff game/answers everything 2 --exit-code

A..B compares version A with version B; A alone or `A..` with the newest; `..B` with the one before B. \
Without versions: what the newest one changed. Before the first version an object has no attributes.")]
pub(crate) struct Diff {
    #[command(flatten)]
    object: ObjectArguments,
    /// The versions
    #[arg(value_name = "A[..B]", value_parser = range)]
    range: Option<Range>,
    /// Exit with 1 if there are differences
    #[arg(long)]
    exit_code: bool,
}

/// Two versions, either of which may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    from: Option<u64>,
    to: Option<u64>,
}

fn range(text: &str) -> Result<Range, &'static str> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    let wrong = |_| "write versions, such as 2..5, 2 or ..5";
    let side =
        |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(wrong);
    match (side(from)?, side(to)?) {
        (None, None) => Err("a range names at least one version"),
        (from, to) => Ok(Range { from, to }),
    }
}

impl Diff {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Diff { object, range, exit_code } = self;
        let Range { from, to } = range.unwrap_or_default();
        let store = invocation.open_to_read()?;
        let at = invocation.snapshot(&store)?.position();
        let objects = Objects::new(&store, &object.collection, at)?;
        let newest = objects.newest(&object.name)?;
        let to = to.unwrap_or(newest.version());
        let after = objects.version(&newest, to)?;
        let from = from.unwrap_or(to.saturating_sub(1));
        let before = match from {
            0 => Attributes::new(),
            from => objects.content(&objects.version(&newest, from)?)?.0,
        };
        let found = differences(&before, &objects.content(&after)?.0, store.registry());
        match invocation.style.format {
            Format::Table => print_lines(&object, [from, to], &found, &invocation.style)?,
            _ => print_rows(&object, [from, to], &found, &invocation.style)?,
        }
        Ok(if exit_code && !found.is_empty() { Exit::No } else { Exit::Done })
    }
}

fn print_rows(
    object: &ObjectArguments,
    [from, to]: [u64; 2],
    found: &[Difference],
    style: &Style,
) -> Result<(), Failure> {
    let columns = vec![
        Column::new("change"),
        Column::for_programs("collection"),
        Column::for_programs("object"),
        Column::new("attribute"),
        Column::new("before"),
        Column::new("after"),
        Column::for_programs("before_version"),
        Column::for_programs("after_version"),
    ];
    let mut sheet = Sheet::stdout(style, columns)?;
    for difference in found {
        sheet.row(&[
            Cell::Text(difference.sort().word().to_owned()),
            Cell::Text(object.collection.to_string()),
            Cell::Text(object.name.clone()),
            Cell::Text(difference.attribute.clone()),
            difference.before.clone().map_or(Cell::Absent, Cell::Json),
            difference.after.clone().map_or(Cell::Absent, Cell::Json),
            if from == 0 { Cell::Absent } else { Cell::Number(from) },
            Cell::Number(to),
        ])?;
    }
    sheet.finish()
}

fn print_lines(
    object: &ObjectArguments,
    [from, to]: [u64; 2],
    found: &[Difference],
    style: &Style,
) -> Result<(), Failure> {
    let name = style.text(&Cell::Text(object.name.clone()));
    let attributes = if found.len() == 1 { "attribute" } else { "attributes" };
    print(|out| {
        match from {
            0 => writeln!(out, "{name}  version {to}")?,
            from => writeln!(out, "{name}  version {from} -> {to}")?,
        }
        lines(found, style).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out, "{} {attributes} changed", found.len())
    })
}

/// Returns the differences as lines for people.
pub(super) fn lines(found: &[Difference], style: &Style) -> Vec<String> {
    let text = |json: &Option<serde_json::Value>| {
        json.as_ref().map_or(String::new(), |json| style.text(&Cell::Json(json.clone())))
    };
    let line = |difference: &Difference| {
        let attribute = style.text(&Cell::Text(difference.attribute.clone()));
        difference.sort().line(&attribute, &text(&difference.before), &text(&difference.after))
    };
    found.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_at_least_one_version() {
        let of = |from, to| Ok(Range { from, to });
        assert_eq!(range("2..5"), of(Some(2), Some(5)));
        assert_eq!(range("2"), of(Some(2), None));
        assert_eq!(range("2.."), of(Some(2), None));
        assert_eq!(range("..5"), of(None, Some(5)));
        for text in ["", "..", "x", "1..x", "-1", "1..2..3", "@3"] {
            assert!(range(text).is_err(), "{text}");
        }
    }
}
