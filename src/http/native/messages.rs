//! Changing messages.

use std::sync::Arc;

use axum::extract::State as AxumState;

use super::extracting::{Body, Known, PlaceOfMessage, PlaceOfReaction};
use super::{Answered, State, answer};
use crate::wire::native::rest;

pub async fn edit_message(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfMessage(message): PlaceOfMessage,
    Body(body): Body,
) -> Answered {
    answer(&state, &known, rest::edit(message, &body)?).await
}

pub async fn delete_message(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfMessage(message): PlaceOfMessage,
) -> Answered {
    answer(&state, &known, rest::delete(message)).await
}

pub async fn add_reaction(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfReaction(message, emoji): PlaceOfReaction,
) -> Answered {
    answer(&state, &known, rest::react(message, emoji, true)?).await
}

pub async fn remove_reaction(
    AxumState(state): AxumState<Arc<State>>,
    known: Known,
    PlaceOfReaction(message, emoji): PlaceOfReaction,
) -> Answered {
    answer(&state, &known, rest::react(message, emoji, false)?).await
}
