use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use annals_core::{Driver, forward_driver};

/// A driver that counts the calls of its reading methods by name.
pub struct Counted {
    inner: Box<dyn Driver>,
    calls: Calls,
}

/// What was called how often.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Calls {
    /// Returns the calls since the last time, but for those that only ask where the log ends.
    pub fn take(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn count(&self, method: &'static str) {
        *self.0.lock().unwrap().entry(method).or_default() += 1;
    }
}

impl Counted {
    pub fn new(inner: Box<dyn Driver>) -> (Counted, Calls) {
        let calls = Calls::default();
        (Counted { inner, calls: calls.clone() }, calls)
    }

    fn counted(&self, method: &'static str) -> &dyn Driver {
        self.calls.count(method);
        &*self.inner
    }
}

impl Driver for Counted {
    forward_driver!(append, sync, last_position, restore, abilities => self.inner);
    forward_driver!(boundary => self.counted("boundary"));
    forward_driver!(commits => self.counted("commits"));
    forward_driver!(entry => self.counted("entry"));
    forward_driver!(history => self.counted("history"));
    forward_driver!(state => self.counted("state"));
    forward_driver!(namespaces => self.counted("namespaces"));
}
