use super::*;

fn place(id: &str, last_rev: i64) -> Place {
    Place {
        conversation_id: id.into(),
        party: sohbet_entity::ids::PartyId::from(&sohbet_entity::ids::UserId::from("a")),
        last_rev,
        last_seq: last_rev,
        activity: store::now(),
    }
}

fn stretch(id: &str, after: i64, up_to: i64) -> Stretch {
    Stretch {
        conversation: id.into(),
        after,
        up_to,
        n_changes: 0,
    }
}

fn since(known: &[(&str, i64)]) -> Since {
    let known = known.iter().map(|(id, rev)| ((*id).into(), *rev));
    Since {
        epoch: "e".into(),
        conversations: known.collect(),
        beyond: Vec::new(),
        time: None,
    }
}

fn ids(ids: &[ConversationId]) -> Vec<&str> {
    ids.iter().map(ConversationId::as_str).collect()
}

#[test]
fn small_gaps_are_told_and_large_ones_reset() {
    let since = since(&[
        ("even", 5),
        ("small", 0),
        ("large", 0),
        ("ahead", 9),
        ("x", 1),
    ]);
    let known = vec![
        place("even", 5),
        place("small", MAX_CHANGES),
        place("large", MAX_CHANGES + 1),
        place("ahead", 8),
    ];
    let plan = Plan::new(&since, known, vec![place("new", 3)], true, &[]);
    assert_eq!(plan.even, [Moved::from(&place("even", 5))]);
    assert_eq!(plan.stretches, [stretch("small", 0, MAX_CHANGES)]);
    assert_eq!(ids(&plan.reset), ["ahead", "large"]);
    assert_eq!(ids(&plan.gone), ["x"]);
    assert_eq!(plan.shown.len(), 4, "all but the one that is even");
}

#[test]
fn what_takes_no_rev_is_shown_when_it_may_have_changed() {
    let since = since(&[("same", 5), ("renamed", 5)]);
    let known = vec![place("same", 5), place("renamed", 5)];
    let plan = Plan::new(&since, known, Vec::new(), true, &["renamed".into()]);
    // Something may be said before it is shown.
    assert_eq!(plan.stretches, [stretch("renamed", 5, 5)]);
    assert!(plan.reset.is_empty());
    assert_eq!(plan.shown[0].conversation_id.as_str(), "renamed");
    assert_eq!(plan.shown.len(), 1);
}

#[test]
fn another_epoch_resets_everything() {
    let plan = Plan::new(
        &since(&[("c", 5)]),
        vec![place("c", 5)],
        Vec::new(),
        false,
        &[],
    );
    assert_eq!((plan.stretches.len(), ids(&plan.reset)), (0, vec!["c"]));
}

#[test]
fn long_stretches_are_read_in_steps() {
    let stretches = [stretch("a", 3, 4), stretch("b", 0, 120), stretch("c", 7, 7)];
    let steps = in_steps(&stretches);
    let expected = [
        stretch("a", 3, 4),
        stretch("b", 0, 50),
        stretch("b", 50, 100),
        stretch("b", 100, 120),
        stretch("c", 7, 7),
    ];
    assert_eq!(steps, expected);
    assert_eq!(n_together(&steps), 1);
    assert_eq!(n_together(&steps[3..]), 2);
}

#[test]
fn what_does_not_fit_is_reset_as_a_whole() {
    let names: Vec<String> = (10..22).map(|number| number.to_string()).collect();
    let known: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let places = names.iter().map(|name| place(name, 290)).collect();
    let plan = Plan::new(&since(&known), places, Vec::new(), true, &[]);
    assert_eq!((plan.stretches.len(), plan.reset.len()), (10, 2));
}

#[test]
fn conversations_that_are_not_shown_are_reset() {
    let names: Vec<String> = (0..MAX_SHOWN + 5)
        .map(|number| number.to_string())
        .collect();
    let known: Vec<_> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let places = names.iter().map(|name| place(name, 1)).collect();
    let plan = Plan::new(&since(&known), places, Vec::new(), true, &[]);
    assert_eq!((plan.shown.len(), plan.reset.len()), (MAX_SHOWN, 5));
    assert_eq!(plan.stretches.len(), MAX_SHOWN);
}

#[test]
fn more_conversations_than_are_looked_at_are_said() {
    let places = |n: usize| (0..n).map(|it| place(&it.to_string(), 1)).collect();
    let limit = MAX_PLACES as usize;
    assert!(!cut(places(limit)).1);
    let (looked_at, has_more) = cut(places(limit + 1));
    assert_eq!((looked_at.len(), has_more), (limit, true));
}
