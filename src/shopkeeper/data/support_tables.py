"""What support reads of the tables: orders, parcels, products, knowledge, conversations."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from shopkeeper.data.reports import Tables, rows


def order_lines(warehouse: Tables, most: int = 20) -> pa.Table:
    """Return the lines of each customer's latest orders, sorted by customer and time."""
    return warehouse.sql(
        """
        WITH latest AS (
            SELECT order_id, customer_id, occurred_us, currency, status, refunded_minor
            FROM orders WHERE customer_id IS NOT NULL
            QUALIFY row_number() OVER (
                PARTITION BY customer_id ORDER BY occurred_us DESC, order_id) <= $most
        ),
        done AS (
            SELECT order_id, arg_max(label, seq) AS last_action, count(*) AS changes
            FROM actions
            WHERE capability = 'support' AND order_id IS NOT NULL AND status = 'done'
            GROUP BY order_id
        )
        SELECT l.customer_id, l.order_id, l.occurred_us, l.currency, l.status, l.refunded_minor,
            d.last_action, d.changes, o.item_id, o.quantity, o.price_minor, o.net_minor
        FROM latest AS l
        JOIN order_lines AS o ON o.order_id = l.order_id
        LEFT JOIN done AS d ON d.order_id = l.order_id
        ORDER BY l.customer_id, l.occurred_us DESC, l.order_id, o.line
        """,
        {"most": most},
    )


def items(warehouse: Tables) -> pa.Table:
    """Return the catalogue as support shows it."""
    return warehouse.sql(
        """
        SELECT item_id, title, price_minor, available AND NOT hidden AS available,
            properties ->> '$.item_group_id' AS family,
            properties ->> '$.color' AS color, properties ->> '$.colour' AS colour,
            properties ->> '$.size' AS size, properties ->> '$.material' AS material,
            properties ->> '$.pattern' AS pattern, properties ->> '$.style' AS style,
            properties ->> '$.capacity' AS capacity
        FROM items WHERE title IS NOT NULL
        """
    )


def parcels(warehouse: Tables) -> list[dict[str, Any]]:
    """Return the parcels of customers' orders, each with what was last said of it."""
    return rows(
        warehouse,
        """
        WITH told AS (
            SELECT shipment_id, arg_max(reason, seq) AS reason,
                arg_max(properties ->> '$.tracking', seq) AS tracking,
                arg_max(promised_us, seq) AS promised_us
            FROM events WHERE kind = 'shipment' AND order_id IS NOT NULL
            GROUP BY shipment_id
        )
        SELECT p.shipment_id, p.order_id, p.carrier, t.promised_us, p.delivered_us, t.reason,
            t.tracking
        FROM parcels AS p JOIN told AS t ON p.shipment_id = t.shipment_id
        WHERE p.customer_id IS NOT NULL
        """,
    )


def articles(warehouse: Tables) -> list[dict[str, Any]]:
    """Return the knowledge that is not withdrawn."""
    return rows(warehouse, "SELECT * FROM articles WHERE status = 'active' ORDER BY article_id")


def article_versions(warehouse: Tables) -> list[dict[str, Any]]:
    """Return every version of every article, withdrawals too, the oldest first."""
    return rows(
        warehouse,
        """
        SELECT label AS article_id, coalesce(category, 'faq') AS kind,
            coalesce(language, 'en') AS language, coalesce(title, label) AS title, text,
            properties ->> '$.questions' AS questions, coalesce(status, 'active') AS status,
            starts_us, ends_us
        FROM events WHERE kind = 'article' ORDER BY occurred_us, seq
        """,
    )


def rule(warehouse: Tables, rule_id: str) -> str | None:
    """Return the text of one of support's rules, None when there is none or it is off."""
    found = rows(
        warehouse,
        """
        SELECT text FROM rules
        WHERE capability = 'support' AND rule_id = ? AND status = 'active'
        """,
        [rule_id],
    )
    return found[0]["text"] if found else None


def conversations(warehouse: Tables, most: int = 5000) -> list[dict[str, Any]]:
    """Return the states of the latest conversations, as support left them."""
    return rows(
        warehouse,
        "SELECT conversation_id, state FROM conversations WHERE state IS NOT NULL "
        "ORDER BY last_us DESC LIMIT ?",
        [most],
    )


def inbox(
    warehouse: Tables, *, view: str = "waiting", offset: int = 0, most: int = 31
) -> list[dict[str, Any]]:
    """Return conversations for the operators: ``waiting`` for a person, ``mine``, ``all``."""
    where = {
        "waiting": "state_name = 'waiting'",
        "taken": "state_name = 'taken'",
        "all": "TRUE",
    }[view]
    return rows(
        warehouse,
        f"""
        SELECT conversation_id, customer_id, channel, language, first_us, last_us, messages,
            state_name, operator, handover_reason, last_text, last_from, rating, intents
        FROM conversations WHERE {where}
        ORDER BY last_us DESC, conversation_id LIMIT ? OFFSET ?
        """,
        [most, offset],
    )


def conversation(warehouse: Tables, conversation_id: str) -> dict[str, Any] | None:
    """Return one conversation with its messages and actions, None when there is none."""
    found = rows(
        warehouse, "SELECT * FROM conversations WHERE conversation_id = ?", [conversation_id]
    )
    if not found:
        return None
    body = found[0]
    body["messages"] = rows(
        warehouse,
        """
        SELECT message_id, direction, author, text, language, intents, citations, tools, acts,
            decision_id, occurred_us
        FROM messages WHERE conversation_id = ? ORDER BY occurred_us, seq
        """,
        [conversation_id],
    )
    body["actions"] = rows(
        warehouse,
        """
        SELECT label, status, reason, text, operator, order_id, decision_id, occurred_us
        FROM actions
        WHERE capability = 'support' AND properties ->> '$.conversation_id' = ?
        ORDER BY occurred_us, seq
        """,
        [conversation_id],
    )
    return body


def unanswered(warehouse: Tables, most: int = 500) -> list[dict[str, Any]]:
    """Return the latest questions that nothing here answered, for the operators' gaps."""
    return rows(
        warehouse,
        """
        SELECT conversation_id, message_id, text, language, occurred_us FROM messages
        WHERE direction = 'in' AND answered = FALSE AND length(text) >= 4
        ORDER BY occurred_us DESC LIMIT ?
        """,
        [most],
    )


def totals(warehouse: Tables, since_us: int) -> dict[str, Any]:
    """Return how many conversations there were and how they ended."""
    [found] = rows(
        warehouse,
        """
        SELECT count(*) AS conversations,
            count(*) FILTER (WHERE handover_reason IS NULL) AS without_person,
            count(*) FILTER (WHERE state_name = 'waiting') AS waiting,
            count(rating) AS rated, avg(rating) AS rating
        FROM conversations WHERE last_us >= ?
        """,
        [since_us],
    )
    return found


def ratings(warehouse: Tables, most: int = 5) -> dict[str, Any]:
    """Return how many conversations got 1 to 5 stars, and the latest words that came with them."""
    counted = rows(
        warehouse,
        """
        SELECT round(rating)::INTEGER AS stars, count(*) AS n FROM conversations
        WHERE rating IS NOT NULL GROUP BY 1
        """,
    )
    held = {row["stars"]: row["n"] for row in counted}
    words = rows(
        warehouse,
        """
        SELECT conversation_id, rating, text, occurred_us FROM messages
        WHERE rating IS NOT NULL AND text NOT LIKE '★%' ORDER BY occurred_us DESC LIMIT ?
        """,
        [most],
    )
    total = sum(held.values())
    stars = [{"stars": n, "n": held.get(n, 0)} for n in (5, 4, 3, 2, 1)]
    return {"total": total, "stars": stars, "words": words}


def latest_orders(warehouse: Tables, most: int) -> list[dict[str, Any]]:
    """Return the latest orders of known customers without a parcel that supply does not ship."""
    return rows(
        warehouse,
        """
        SELECT order_id, customer_id, occurred_us FROM orders
        WHERE customer_id IS NOT NULL
            AND order_id NOT IN (SELECT order_id FROM parcels WHERE order_id IS NOT NULL)
            AND order_id NOT IN (SELECT order_id FROM allocations)
        ORDER BY occurred_us DESC, order_id LIMIT ?
        """,
        [most],
    )
