use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::appender::News;
use crate::commits::KnownCommits;
use crate::keys::KeyIds;
use crate::names::KeyNames;
use crate::plan::Plan;
use crate::tail::Tail;

/// What this process knows of the log without asking the file: only what stays true for ever.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) keys: KeyIds,
    pub(crate) names: KeyNames,
    pub(crate) commits: KnownCommits,
    pub(crate) tail: Tail,
    /// That of the pass that runs, if this process has made one.
    plan: Mutex<Option<Plan>>,
}

impl Known {
    /// Takes in what a transaction found out, now that it is committed.
    pub(crate) fn learn(&self, news: News) {
        self.keys.learn(news.ids);
        if let Some(found) = news.found {
            self.tail.learn(&found);
        }
        if let Some(plan) = news.plan {
            *self.plan() = Some(plan);
        }
    }

    /// Takes the plan out, since one that is made in a transaction is true only once that is committed.
    pub(crate) fn take_plan(&self) -> Option<Plan> {
        self.plan().take()
    }

    fn plan(&self) -> MutexGuard<'_, Option<Plan>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
