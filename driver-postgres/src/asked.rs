//! Questions whose rows are read one by one as they come: what becomes of a row is made while the server
//! makes the next ones, and the rows are never all there at once.

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use postgres::{Error, Row};
use tokio_postgres::Client;

use crate::failure::Failure;
use crate::parameter::{Parameter, typed};

/// What a row becomes.
pub(crate) type Read<T> = fn(&Row) -> Result<T, Failure>;

/// A question, and what each row of the answer becomes.
pub(crate) struct Asked<R> {
    pub(crate) sql: Arc<str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) read: R,
}

impl<R> Asked<R> {
    /// Returns what the rows become, or why one of them could not be read.
    pub(crate) async fn answer<T>(self, client: &Client) -> Result<Result<Vec<T>, Failure>, Error>
    where
        R: FnMut(&Row) -> Result<T, Failure>,
    {
        let Asked { sql, parameters, mut read } = self;
        let mut rows = pin!(client.query_typed_raw(&sql, typed(&parameters)).await?);
        let mut answer = Ok(Vec::new());
        // All rows are taken from the connection, whatever becomes of them.
        while let Some(row) = rows.try_next().await? {
            if let Ok(all) = &mut answer {
                match read(&row) {
                    Ok(one) => all.push(one),
                    Err(failure) => answer = Err(failure),
                }
            }
        }
        Ok(answer)
    }
}
