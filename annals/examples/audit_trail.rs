//! Who changed what, from what to what, and why: articles of a magazine, those who write them, and what
//! readers say about them.
//!
//! Run it with `cargo run --example audit_trail`.

use annals::revisions::{AttributeDelta, Deltas, Error, ObjectAction, OnDelete, Revisions, Tracking};
use annals::{Context, Store};
use serde::{Deserialize, Serialize};

type Result<T = ()> = std::result::Result<T, Error>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Article {
    title: String,
    text: String,
    author: String,
    editor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Comment {
    article: String,
    text: String,
}

/// The collections, and what becomes of an object when another one is deleted that it names.
struct Magazine {
    store: Store,
    people: Revisions<Person>,
    articles: Revisions<Article>,
    comments: Revisions<Comment>,
}

impl Magazine {
    fn open(url: &str) -> Result<Magazine> {
        let store = Store::open(url)?;
        let people = Revisions::open(&store, "people")?;
        let articles = Revisions::open(&store, "articles")?;
        let comments = Revisions::open(&store, "comments")?;
        articles.declare_reference("author", &people, OnDelete::Restrict)?;
        articles.declare_reference("editor", &people, OnDelete::SetNull)?;
        comments.declare_reference("article", &articles, OnDelete::Cascade)?;
        Ok(Magazine { store, people, articles, comments })
    }

    /// Several people in one commit: what each of them writes is said to be theirs.
    fn first_issue(&self) -> Result {
        let context = Context::new().actor("dana").reason("first issue");
        let issue = self.store.try_commit(context, |tx| {
            for name in ["Ann", "Ben"] {
                self.people.in_transaction(tx).insert(&name.to_lowercase(), &Person { name: name.into() })?;
            }
            let article = Article {
                title: "On tea".into(),
                text: "Tea is green.".into(),
                author: "ann".into(),
                editor: Some("ben".into()),
            };
            let ann = Context::new().actor("ann").describe_object("as promised");
            ann.in_scope(|| self.articles.in_transaction(tx).insert("tea", &article))
        });
        issue.map(drop)
    }

    /// Code far below the scope of a context need know nothing of who and why.
    fn edit_tea(&self) -> Result {
        Context::new().actor("ben").describe_attributes("house style").in_scope(|| {
            self.articles.edit("tea", Context::new(), |tea| tea.title = "Of Tea".into())?;
            self.articles.edit("tea", Context::new().reason("shorter"), |tea| tea.text = "Tea.".into())?;
            Ok(())
        })
    }

    fn comment(&self, name: &str, text: &str, reader: &str) -> Result {
        let comment = Comment { article: "tea".into(), text: text.into() };
        self.comments.insert(name, &comment, Context::new().actor(reader)).map(drop)
    }

    /// Ben has left: his articles stay, without an editor. Ann cannot be deleted while an article is hers.
    fn ben_leaves(&self) -> Result {
        let told = Context::new().actor("dana").reason("has left").describe_deletion("their editor has left");
        self.people.delete("ben", told)?;
        let refused = self.people.delete("ann", Context::new().actor("dana"));
        let Err(Error::Restricted { by, .. }) = refused else { panic!("an article is hers") };
        let who = by.iter().map(|by| format!("{}/{} by its {}", by.collection(), by.name(), by.attribute()));
        say("who keeps Ann", who, &["articles/tea by its author"]);
        Ok(())
    }

    /// What a deletion would do is seen before it is done.
    fn withdraw_tea(&self) -> Result {
        let plan = self.articles.plan_delete("tea")?;
        let planned = plan.affected().iter();
        let planned = planned.map(|it| format!("{} {}/{}", it.action(), it.collection(), it.name()));
        let expected = ["delete articles/tea", "delete comments/1", "delete comments/2"];
        say("what would be deleted", planned, &expected);
        plan.apply(Context::new().actor("dana").reason("a complaint").describe_deletion("with its article"))?;
        assert_eq!(self.comments.len()?, 0);
        Ok(())
    }

    /// The complaint was unfounded, but the first text was better: nothing of this removes any history.
    fn restore_tea(&self) -> Result {
        let revived = self.articles.revive_all("tea", Context::new().actor("dana").reason("unfounded"))?;
        assert_eq!((revived.revisions().len(), revived.left().len()), (3, 0));

        let Some(titled) = self.articles.get("tea", 2)? else { panic!("Ben gave it its title") };
        let restored = self.articles.rollback_to(&titled, Context::new().actor("ann").reason("too short"));
        // What refers has to name what exists, in a rollback too.
        assert!(matches!(restored, Err(Error::NoTarget { .. })));
        self.people.revive("ben", Context::new().actor("dana").reason("is back"))?;
        let restored = self.articles.rollback_to(&titled, Context::new().actor("ann").reason("too short"))?;
        assert_eq!((restored.version(), restored.restored_from()), (7, Some(2)));
        assert_eq!((restored.text.as_str(), restored.editor.as_deref()), ("Tea is green.", Some("ben")));
        Ok(())
    }

    /// Everything that was ever done, whoever did it.
    fn audit(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for delta in Deltas::of(&self.store) {
            let delta = delta?;
            let (who, why) = (delta.actor().unwrap_or("nobody"), delta.description().unwrap_or("no reason"));
            lines.push(format!("{} {} by {who}: {why}", delta.action(), delta.info().namespace()));
            if delta.action() == ObjectAction::Update {
                for attribute in delta.attributes() {
                    lines.push(line(attribute)?);
                }
            }
        }
        Ok(lines)
    }
}

fn line(attribute: &AttributeDelta) -> Result<String> {
    let text = |value: Option<Option<String>>| value.flatten().unwrap_or("nothing".into());
    let (before, after) = (text(attribute.before()?), text(attribute.after()?));
    let why = attribute.description().map(|why| format!(" ({why})")).unwrap_or_default();
    Ok(format!("  {}: {before} -> {after}{why}", attribute.name()))
}

/// Prints lines, which are the expected ones.
fn say(title: &str, lines: impl IntoIterator<Item = String>, expected: &[&str]) {
    let lines: Vec<String> = lines.into_iter().collect();
    println!("{title}\n  {}\n", lines.join("\n  "));
    assert_eq!(lines, expected);
}

fn main() -> Result {
    let magazine = Magazine::open("memory:")?;
    magazine.first_issue()?;
    let printed = magazine.store.snapshot()?.position();

    magazine.edit_tea()?;
    magazine.comment("1", "Some is black.", "eve")?;
    magazine.comment("2", "And some is white.", "frank")?;
    magazine.ben_leaves()?;
    magazine.withdraw_tea()?;

    // As of an earlier moment, even of what is deleted now.
    assert_eq!(magazine.articles.current("tea")?, None);
    let Some(then) = magazine.articles.at("tea", printed)? else { panic!("it was printed") };
    say("as it was printed", [format!("{}: {}", then.title, then.text)], &["On tea: Tea is green."]);

    magazine.restore_tea()?;
    let expected = [
        "create people/ann by dana: first issue",
        "create people/ben by dana: first issue",
        "create articles/tea by ann: as promised",
        "update articles/tea by ben: no reason",
        "  title: On tea -> Of Tea (house style)",
        "update articles/tea by ben: shorter",
        "  text: Tea is green. -> Tea. (house style)",
        "create comments/1 by eve: no reason",
        "create comments/2 by frank: no reason",
        "delete people/ben by dana: has left",
        "update articles/tea by nobody: their editor has left",
        "  editor: ben -> nothing (their editor has left)",
        "delete articles/tea by dana: a complaint",
        "delete comments/1 by nobody: with its article",
        "delete comments/2 by nobody: with its article",
        "create articles/tea by dana: unfounded",
        "create comments/1 by dana: unfounded",
        "create comments/2 by dana: unfounded",
        "create people/ben by dana: is back",
        "update articles/tea by ann: too short",
        "  editor: nothing -> ben (too short)",
        "  text: Tea. -> Tea is green. (too short)",
    ];
    say("the audit trail", magazine.audit()?, &expected);

    let by_eve = Deltas::of(&magazine.store).actor("eve").into_iter().collect::<Result<Vec<_>>>()?;
    assert!(matches!(by_eve.as_slice(), [only] if only.info().name() == "1"));
    Ok(())
}
