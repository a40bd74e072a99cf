use annals_core::Size;

use crate::failure::Failure;
use crate::place::Place;

/// Returns the sizes of a log.
pub(crate) fn measure(place: &Place) -> Result<Size, Failure> {
    let found = place.read(&place.sql.measure, &[])?;
    let row = found.first().ok_or_else(Failure::no_log)?;
    let number = |at| -> Result<u64, Failure> { Ok(u64::try_from(row.try_get::<_, i64>(at)?).unwrap_or(0)) };
    Ok(Size { commits: number(0)?, keys: number(1)?, bytes: number(2)? })
}
