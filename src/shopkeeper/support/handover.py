"""What an operator gets with a conversation: why, a summary, what is known, what was tried."""

from __future__ import annotations

from typing import Any

from shopkeeper.support.state import Conversation


def note(state: Conversation) -> dict[str, Any]:
    """Return the note that goes with a hand-over."""
    open_ = [*state.tasks, *state.waiting]
    return {
        "why": state.handed_over,
        "summary": summary(state),
        "slots": {
            "order_id": state.order_id,
            "items": list(state.item_ids),
            "wanted": [one.kind for one in open_],
            "reason": next((one.reason for one in open_ if one.reason), ""),
        },
        "tried": [
            {"tool": one.tool, "order_id": one.order_id, "outcome": one.outcome}
            for one in state.tried
        ],
        "suggested_act": suggested(state),
    }


def summary(state: Conversation) -> str:
    """Return one line about a conversation, from its state alone.

    >>> summary(Conversation(conversation_id="c", turn=2, handed_over="asked"))
    'turn 2; handed over: asked; wanted: nothing named'
    """
    wanted = ", ".join(
        f"{one.kind} {' '.join(p.order_id for p in one.picks) or ' '.join(one.order_ids)}".strip()
        for one in [*state.tasks, *state.waiting]
    )
    done = ", ".join(f"{one.tool} {one.order_id} {one.outcome}" for one in state.tried)
    parts = [f"turn {state.turn}"]
    if state.handed_over:
        parts.append(f"handed over: {state.handed_over}")
    parts.append(f"wanted: {wanted or 'nothing named'}")
    if done:
        parts.append(f"done: {done}")
    return "; ".join(parts)


def suggested(state: Conversation) -> str:
    """Return the act that an operator most likely wants to say next."""
    if state.handed_over.startswith("refund_"):
        return "review_refund"
    return "anything_else" if state.tried else "greet"
