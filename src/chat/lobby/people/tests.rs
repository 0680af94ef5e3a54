use super::*;
use crate::chat::tests_support::sessions;

fn room(name: &str) -> Place {
    Place::Room(name.into())
}

fn names(people: &[Arc<Person>]) -> Vec<&str> {
    people.iter().map(|person| &*person.name).collect()
}

fn expired(lobby: &Lobby) -> Vec<SessionId> {
    let expired = lobby.expire_typing();
    expired.into_iter().map(|(_, session, _)| session).collect()
}

#[test]
fn the_list_is_in_order_of_coming_and_another_name_keeps_the_place() {
    let (lobby, [a, b]) = (Lobby::default(), sessions(["a", "b"]));
    lobby.join(&a, "zeki", &Place::Lobby);
    lobby.join(&b, "ali", &Place::Lobby);
    let (person, left) = lobby.join(&a, "zeynep", &Place::Lobby);
    assert_eq!((&*person.name, left.is_none()), ("zeynep", true));
    assert_eq!(names(&lobby.people(&Place::Lobby)), ["zeynep", "ali"]);
    assert_eq!(names(&lobby.everybody()), ["zeynep", "ali"]);
}

#[test]
fn who_moves_leaves_one_place_for_the_other() {
    let (lobby, [a, b]) = (Lobby::default(), sessions(["a", "b"]));
    assert!(lobby.move_to(a.id, &room("tech")).is_none(), "no name yet");
    let (first, _) = lobby.join(&a, "ali", &Place::Lobby);
    lobby.join(&b, "veli", &room("tech"));
    let (moved, left) = lobby.move_to(a.id, &room("tech")).unwrap();
    assert_eq!(left.unwrap().place, Place::Lobby);
    assert_eq!(moved.joined_at, first.joined_at);
    assert_eq!(names(&lobby.people(&room("tech"))), ["veli", "ali"]);
    assert!(lobby.people(&Place::Lobby).is_empty());
    assert_eq!(lobby.leave(a.id).unwrap().place, room("tech"));
    assert!(lobby.leave(a.id).is_none());
    lobby.leave(b.id);
    assert!(lobby.inner().by_place.is_empty());
}

#[tokio::test(start_paused = true)]
async fn typing_ends_six_seconds_after_its_last_refresh() {
    let (lobby, [a, b]) = (Lobby::default(), sessions(["a", "b"]));
    assert!(
        lobby.set_typing(a.id, true, Duration::ZERO).is_none(),
        "no name yet"
    );
    lobby.join(&a, "ali", &Place::Lobby);
    lobby.join(&b, "veli", &Place::Lobby);
    lobby.set_typing(a.id, true, Duration::ZERO);
    lobby.set_typing(b.id, true, Duration::ZERO);
    tokio::time::advance(LIFETIME / 2).await;
    lobby.set_typing(a.id, true, Duration::ZERO);
    assert_eq!(lobby.typists(&Place::Lobby).len(), 2);
    tokio::time::advance(LIFETIME / 2).await;
    assert_eq!(expired(&lobby), [b.id]);
    tokio::time::advance(LIFETIME / 2).await;
    assert_eq!(expired(&lobby), [a.id]);
    assert!(lobby.expire_typing().is_empty());
    assert!(lobby.inner().typists.is_empty());
}

#[tokio::test]
async fn a_message_ends_typing_only_where_it_is_said() {
    let (lobby, [a, _]) = (Lobby::default(), sessions(["a", "b"]));
    lobby.join(&a, "ali", &room("tech"));
    lobby.set_typing(a.id, true, Duration::ZERO);
    assert!(!lobby.end_typing(a.id, &Place::Lobby));
    assert!(lobby.end_typing(a.id, &room("tech")));
    assert!(!lobby.end_typing(a.id, &room("tech")));
}
