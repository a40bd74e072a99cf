//! What a write answers with.

use annals::{Durability, Receipt};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Format, Sheet, Style, print_answer};

const COLUMNS: [&str; 6] = ["position", "entries", "recorded_at", "durability", "id", REPEATED];
const REPEATED: &str = "repeated";

/// Returns the columns of a receipt.
pub(crate) fn columns() -> Vec<Column> {
    let column = |name| if name == REPEATED { Column::for_programs(name) } else { Column::new(name) };
    COLUMNS.into_iter().map(column).collect()
}

/// Returns the cells of a receipt, one a column of [`columns`].
pub(crate) fn cells(receipt: &Receipt) -> Vec<Cell> {
    let durability = match receipt.durability {
        Durability::Synced => "synced",
        Durability::Buffered => "buffered",
    };
    vec![
        receipt.position().into(),
        Cell::Number(receipt.commit.len()),
        Cell::Time(receipt.commit.recorded_at),
        Cell::Text(durability.to_owned()),
        Cell::Text(receipt.commit.id.uuid().to_string()),
        if receipt.repeated { Cell::Json(true.into()) } else { Cell::Absent },
    ]
}

/// Writes a receipt to standard output, and a note if it is that of an earlier commit; where that fails, the
/// failure says what was done.
pub(crate) fn print(invocation: &Invocation, receipt: &Receipt) -> Result<(), Failure> {
    let told = || format!("the commit was made, up to {}", receipt.position());
    write(&invocation.style, receipt).map_err(|failure| failure.help(told()))?;
    if receipt.repeated {
        invocation.note("a commit of this id was there already; nothing was written");
    }
    Ok(())
}

fn write(style: &Style, receipt: &Receipt) -> Result<(), Failure> {
    if style.format == Format::Json {
        return print_answer(style, COLUMNS.into_iter().zip(cells(receipt)).collect());
    }
    let mut sheet = Sheet::stdout(style, columns())?;
    sheet.row(&cells(receipt))?;
    sheet.finish()
}
