use std::collections::HashSet;
use std::str::FromStr;

use annals::codec::{Registry, Value};
use annals::{Condition, Context, Key, Namespace, Position};

use crate::assignments::Assignment;
use crate::commit_id::{self, IdOption};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::receipts;

/// Set fields of a record, in one commit
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals set game/player1 name=Ann score:=10 -m 'first round' --actor alice
  annals set shop/apple price:decimal=1.10 photo:bytes@=apple.jpg
  annals set game/player1 score:=25 --expect @418
  annals set account/a balance:=30 --id 01939f3e-6d2c-7000-8000-3f1c2a4b5d6e

Assignments:
  K=TEXT        text, as it stands
  K:=JSON       a value in its JSON form: 10, 1.0, true, null, [1,2], {\"$decimal\":\"1.10\"}
  K@=FILE       the text of a file
  K:TYPE=TEXT   a value of a type: bool, integer, float, decimal, uuid, timestamp, datetime, date,
                time, duration, bytes (base64), text, json
  K:TYPE@=FILE  the same from a file; with `bytes` the file's bytes as they are

A value may have 64 MiB, with the few bytes that tell its type and length.

The receipt says at which position the commit stands.")]
pub(crate) struct Set {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// Fields and their values
    #[arg(value_name = "K=V", required = true)]
    assignments: Vec<String>,
    #[command(flatten)]
    context: ContextOptions,
    /// Set only if no field of these changed after this position, or none has a value
    #[arg(long, value_name = "POS|absent")]
    expect: Option<Expected>,
    #[command(flatten)]
    id: IdOption,
}

/// Who, why, and what else is to be remembered of a commit.
#[derive(Debug, clap::Args)]
pub(crate) struct ContextOptions {
    /// Why
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Who
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Anything else, by name; can be given several times
    #[arg(long = "tag", value_name = "K=TEXT", value_parser = tag)]
    tags: Vec<(String, String)>,
}

impl ContextOptions {
    /// Returns the context of a commit that `command` makes.
    pub(crate) fn context(self, command: &str) -> Context {
        let tags = self.tags.into_iter().map(|(name, text)| (name, Value::Text(text))).collect();
        let location = Some(format!("annals {command}"));
        Context { actor: self.actor, reason: self.message, location, occurred_at: None, tags }
    }
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    let (name, text) = text.split_once('=').ok_or("a tag is written as NAME=TEXT")?;
    match name {
        "" => Err("a tag has a name before the `=`"),
        name => Ok((name.to_owned(), text.to_owned())),
    }
}

/// What must hold of every field that is set.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Absent,
    At(Position),
}

impl FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Expected, &'static str> {
        if text == "absent" {
            return Ok(Expected::Absent);
        }
        let number = text.strip_prefix('@').unwrap_or(text).parse().ok();
        number.and_then(Position::new).map(Expected::At).ok_or("write a position such as @418, or `absent`")
    }
}

impl Expected {
    fn condition(self, key: Key) -> Condition {
        match self {
            Expected::Absent => Condition::KeyAbsent { key },
            Expected::At(since) => Condition::KeyUnchanged { key, since },
        }
    }
}

impl Set {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Set { namespace, assignments, context, expect, id } = self;
        let registry = Registry::default();
        let parse = |text: &String| Assignment::parse(text, &registry);
        let assignments = assignments.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let mut fields = HashSet::new();
        if let Some(twice) = assignments.iter().find(|assignment| !fields.insert(&assignment.field)) {
            return Err(Failure::usage(format!("field `{}` is set twice", twice.field)));
        }
        // Only now, so that a wrong command line leaves no new store behind.
        let store = invocation.open_to_write()?;
        let id = id.given_or_made();
        let committed = store.commit(context.context("set"), |tx| {
            tx.set_id(id);
            let record = tx.record(&namespace)?;
            for Assignment { field, value } in &assignments {
                if let Some(expected) = expect {
                    tx.require(expected.condition(Key::new(namespace.clone(), field.clone())?));
                }
                record.set(field, value)?;
            }
            Ok(())
        });
        let committed = committed.map_err(|error| commit_id::failure(error, id))?;
        let receipt = committed.receipt.expect("something was written");
        receipts::print(invocation, &receipt)?;
        Ok(Exit::Done)
    }
}
