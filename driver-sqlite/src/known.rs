use crate::appender::News;
use crate::commits::KnownCommits;
use crate::keys::KeyIds;
use crate::names::KeyNames;
use crate::tail::Tail;

/// What this process knows of the log without asking the file: only what stays true for ever.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) keys: KeyIds,
    pub(crate) names: KeyNames,
    pub(crate) commits: KnownCommits,
    pub(crate) tail: Tail,
}

impl Known {
    /// Takes in what a transaction found out, now that it is committed.
    pub(crate) fn learn(&self, news: News) {
        self.keys.learn(news.ids);
        if let Some(found) = news.found {
            self.tail.learn(found);
        }
    }
}
