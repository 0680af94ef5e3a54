//! How many of something there may be at a time, in all and for each of its owners.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

/// Places of one kind. An owner is counted as long as it holds one, so the map is as large as what
/// there may be in all.
#[derive(Debug)]
pub struct Places<K> {
    max_in_all: usize,
    max_each: usize,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    n_in_all: usize,
    by_owner: HashMap<K, usize>,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// So many in all, and so many for each owner.
    pub fn new(max_in_all: usize, max_each: usize) -> Arc<Self> {
        Arc::new(Self {
            max_in_all,
            max_each,
            taken: Mutex::new(Taken {
                n_in_all: 0,
                by_owner: HashMap::new(),
            }),
        })
    }

    /// Takes a place, which is free again when it is dropped. Without an owner, who is nobody or
    /// has no limit, it only counts in all.
    pub fn take(self: &Arc<Self>, owner: Option<K>) -> Option<Place<K>> {
        let mut taken = self.taken();
        if taken.n_in_all >= self.max_in_all {
            return None;
        }
        if let Some(owner) = &owner {
            let n_own = taken.by_owner.entry(owner.clone()).or_default();
            if *n_own >= self.max_each {
                return None;
            }
            *n_own += 1;
        }
        taken.n_in_all += 1;
        Some(Place {
            places: Arc::clone(self),
            owner,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken
            .lock()
            .expect("no code panics with this lock held")
    }
}

/// A place that is taken.
#[derive(Debug)]
pub struct Place<K: Eq + Hash + Clone> {
    places: Arc<Places<K>>,
    owner: Option<K>,
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.n_in_all -= 1;
        if let Some(owner) = &self.owner
            && let Some(n_own) = taken.by_owner.get_mut(owner)
        {
            *n_own -= 1;
            if *n_own == 0 {
                taken.by_owner.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_so_many_and_all_together_too() {
        let places = Places::new(3, 2);
        let own = [places.take(Some("a")), places.take(Some("a"))];
        assert!(own.iter().all(Option::is_some));
        assert!(places.take(Some("a")).is_none());
        let other = places.take(Some("b"));
        assert!(other.is_some() && places.take(Some("c")).is_none());
        assert!(places.take(None).is_none());
    }

    #[test]
    fn a_place_is_free_again_and_its_owner_is_forgotten() {
        let places = Places::new(1, 1);
        drop(places.take(Some("a")));
        assert!(places.taken().by_owner.is_empty());
        let place = places.take(None);
        assert!(place.is_some() && places.take(Some("a")).is_none());
        drop(place);
        assert!(places.take(Some("a")).is_some());
    }
}
