use std::io::Write as _;

use annals::revisions::RevisionInfo;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, ObjectArguments, Objects};
use crate::output::{Cell, Column, Format, Sheet, Style, print, print_answer};

/// Show a revision of an object: its attributes, who made it, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev show game/answers everything
  annals rev show game/answers everything 3
  annals --at '2h ago' rev show game/answers everything -o json

Without a version the newest one. A table begins with a line that says what is known of the revision; \
in a pipe there are only the attributes, one a line; programs get one object with all of it, the \
attributes as its member `content`. Old forms of an object are shown as they are stored.")]
pub(crate) struct Show {
    #[command(flatten)]
    object: ObjectArguments,
    /// The version
    #[arg(value_name = "VERSION")]
    number: Option<u64>,
}

impl Show {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Show { object, number } = self;
        let store = invocation.open_to_read()?;
        let at = invocation.snapshot(&store)?.position();
        let objects = Objects::new(&store, &object.collection, at)?;
        let newest = objects.newest(&object.name)?;
        let info = number.map_or(Ok(newest.clone()), |number| objects.version(&newest, number))?;
        let (attributes, content) = objects.content(&info)?;
        let style = &invocation.style;
        if style.is_machine() {
            let content = ("content", Cell::Json(content.to_json(store.registry())));
            print_answer(style, objects::parts(&info).into_iter().chain([content]).collect())?;
            return Ok(Exit::Done);
        }
        if style.format == Format::Table {
            let head = head(&info, style);
            print(|out| writeln!(out, "{head}"))?;
        }
        let mut sheet = Sheet::stdout(style, vec![Column::new("attribute"), Column::new("value")])?;
        for (name, value) in attributes {
            sheet.row(&[Cell::Text(name), Cell::Json(value.to_json(store.registry()))])?;
        }
        sheet.finish()?;
        Ok(Exit::Done)
    }
}

/// Returns what is known of a revision in a line.
pub(super) fn head(info: &RevisionInfo, style: &Style) -> String {
    let version = match info.restored_from() {
        Some(from) => format!("version {}, from version {from}", info.version()),
        None => format!("version {}", info.version()),
    };
    let cells = [
        Cell::Position(info.commit().last),
        Cell::Time(info.start()),
        Cell::Text(info.name().to_owned()),
        Cell::Text(version),
        Cell::Text(objects::state(info)),
        Cell::text(info.creator()),
        Cell::text(info.comment()),
    ];
    let said = cells.iter().map(|cell| style.text(cell)).filter(|text| !text.is_empty());
    said.collect::<Vec<_>>().join("  ")
}
