use super::*;

fn key(conversation: &str, user: &str) -> Key {
    (Dialect::ALL[0], conversation.into(), user.into())
}

#[tokio::test(start_paused = true)]
async fn a_state_ends_six_seconds_after_its_last_refresh() {
    let (typing, session) = (Typing::default(), SessionId::for_tests(1));
    typing.start(key("c", "ali"), session);
    tokio::time::advance(LIFETIME / 2).await;
    typing.start(key("c", "ali"), session);
    typing.start(key("c", "veli"), session);
    tokio::time::advance(LIFETIME / 2).await;
    assert!(typing.expire().is_empty(), "both were refreshed since");
    tokio::time::advance(LIFETIME / 2).await;
    assert_eq!(typing.expire().len(), 2);
    assert!(typing.expire().is_empty());
    assert!(typing.inner().by_session.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_told_once_a_second_whichever_socket_it_comes_from() {
    let typing = Typing::default();
    let start = |number| typing.start(key("c", "ali"), SessionId::for_tests(number));
    assert!(start(1));
    assert!(!start(1) && !start(2) && !start(1));
    tokio::time::advance(RETELL / 2).await;
    assert!(!start(1));
    tokio::time::advance(RETELL / 2).await;
    assert!(start(2), "who came meanwhile is told too");
    assert!(!start(1));
    typing.stop(&key("c", "ali"));
    assert!(start(1), "after a stop it is news");
    assert!(typing.start(key("d", "ali"), SessionId::for_tests(1)));
    assert!(typing.start(key("c", "veli"), SessionId::for_tests(1)));
}

#[tokio::test(start_paused = true)]
async fn whoever_starts_and_stops_all_the_time_is_told_of_once_a_second() {
    let (typing, session) = (Typing::default(), SessionId::for_tests(1));
    let key = key("c", "ali");
    assert!(typing.stop(&key).is_none(), "there is nothing to stop");
    let (mut n_starts, mut n_stops) = (0, 0);
    for _ in 0..10 {
        for _ in 0..50 {
            n_starts += usize::from(typing.start(key.clone(), session));
            n_stops += usize::from(typing.stop(&key).is_some());
        }
        tokio::time::advance(RETELL / 5).await;
    }
    assert_eq!((n_starts, n_stops), (3, 3), "two at once and one a second");
    assert!(typing.due().is_empty(), "it has stopped");
    assert_eq!(typing.inner().oldest_first.len(), 1);
    assert!(typing.start(key.clone(), session));
    typing.stop(&key);
    assert!(!typing.start(key.clone(), session));
    assert!(typing.due().is_empty(), "it is too soon");
    tokio::time::advance(RETELL).await;
    assert_eq!(typing.due().len(), 1, "who goes on is seen after all");
    assert!(typing.due().is_empty());
    assert!(typing.stop(&key).is_some());
    tokio::time::advance(LIFETIME).await;
    assert!(typing.expire().is_empty(), "it has stopped");
    let inner = typing.inner();
    assert!(inner.states.is_empty() && inner.oldest_first.is_empty());
    assert!(inner.by_session.is_empty() && inner.held.is_empty());
}

#[tokio::test]
async fn a_socket_ends_only_its_own_states() {
    let typing = Typing::default();
    typing.start(key("c", "ali"), SessionId::for_tests(1));
    typing.start(key("d", "ali"), SessionId::for_tests(1));
    typing.start(key("c", "veli"), SessionId::for_tests(2));
    let only = ConversationId::from("c");
    assert_eq!(
        typing
            .stop_session(SessionId::for_tests(1), Some(&only))
            .len(),
        1
    );
    assert_eq!(typing.stop_session(SessionId::for_tests(1), None).len(), 1);
    assert!(typing.stop(&key("c", "veli")).is_some());
}
