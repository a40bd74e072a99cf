//! What a write answers with.

use annals::{Durability, Receipt};

use crate::failure::Failure;
use crate::output::{Cell, Column, Format, Sheet, Style, print_answer};

const COLUMNS: [&str; 5] = ["position", "entries", "recorded_at", "durability", "id"];

/// Returns the columns of a receipt.
pub(crate) fn columns() -> Vec<Column> {
    COLUMNS.into_iter().map(Column::new).collect()
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
    ]
}

/// Writes a receipt to standard output; where that fails, the failure says what was done.
pub(crate) fn print(style: &Style, receipt: &Receipt) -> Result<(), Failure> {
    let told = || format!("the commit was made, up to {}", receipt.position());
    write(style, receipt).map_err(|failure| failure.help(told()))
}

fn write(style: &Style, receipt: &Receipt) -> Result<(), Failure> {
    if style.format == Format::Json {
        return print_answer(style, COLUMNS.into_iter().zip(cells(receipt)).collect());
    }
    let mut sheet = Sheet::stdout(style, columns())?;
    sheet.row(&cells(receipt))?;
    sheet.finish()
}
