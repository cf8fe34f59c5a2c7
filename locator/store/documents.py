"""Documents that are kept and never change: frozen embeds, published gaps."""

import hashlib
import json
import re
import zlib
from datetime import UTC, datetime

import sqlalchemy as sa

from locator.errors import InputError, StoreError
from locator.store.base import Document, DocumentFacts
from locator.store.tables import documents_table
from locator.store.text import any_broken, is_broken

DOCUMENT_LIMIT_BYTES = 16 * 2**20
_TEXT_LIMIT = 10_000
_FACTS = ("digest", "kind", "made_at", "data_version", "title", "question", "size_bytes")


def digest_of(kind: str, title: str, question: str, body: bytes) -> str:
    """Return the SHA-256 under which a document is kept; see :meth:`Store.keep_document`."""
    head = json.dumps([kind, title, question], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(head.encode() + b"\n" + body).hexdigest()


def check_document(kind: str, title: str, question: str, body: bytes, made_at: datetime) -> None:
    """Refuse what cannot be kept.

    Raises
    ------
    InputError
        The body or a text is too long, the kind is no word, the question no JSON, the moment
        without a time zone.
    """
    if not re.fullmatch(r"[a-z][a-z_]{0,30}", kind):
        raise InputError(f"The kind {kind!r} of a kept document must be a word of small letters.")
    if len(body) > DOCUMENT_LIMIT_BYTES:
        raise InputError(
            f"The document has {len(body) / 2**20:.1f} MB and the store keeps at most "
            f"{DOCUMENT_LIMIT_BYTES // 2**20} MB of one; make it of a smaller area or fewer layers."
        )
    for name, text in (("title", title), ("question", question)):
        if len(text) > _TEXT_LIMIT:
            raise InputError(
                f"The {name} of a kept document has {len(text)} characters; "
                f"{_TEXT_LIMIT} are allowed."
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"The {name} of a kept document holds half a character.") from error
    try:
        json.loads(question)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The question of a kept document must be a JSON text: {error}."
        ) from error
    if made_at.tzinfo is None:
        raise InputError(f"The moment {made_at.isoformat()} needs a time zone, such as +08:00.")


def keep_row(
    connection: sa.Connection,
    facts: tuple[str, str, str],
    body: bytes,
    *,
    made_at: datetime,
    data_version: str,
) -> None:
    """Add a document, of which (kind, title, question) are given, inside a transaction."""
    kind, title, question = facts
    row = {
        "digest": digest_of(kind, title, question, body),
        "kind": kind,
        "made_at": made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data_version": data_version,
        "title": title,
        "question": question,
        "size_bytes": len(body),
        "body": zlib.compress(body, 6),
    }
    connection.execute(sa.insert(documents_table()), row)


def list_rows(connection: sa.Connection, kind: str | None) -> tuple[DocumentFacts, ...]:
    """Return the facts of what is kept, the newest first."""
    table = documents_table()
    query = sa.select(*(table.c[name] for name in _FACTS))
    query = query.order_by(table.c.made_at.desc(), table.c.id.desc())
    if kind is not None:
        query = query.where(table.c.kind == kind)
    found = []
    for row in connection.execute(query).mappings():
        moment = _moment(row["made_at"])
        if moment is not None and not any_broken(row.values()):  # 'locator doctor' names the others
            found.append(DocumentFacts(**{**row, "made_at": moment}))
    return tuple(found)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def read_row(connection: sa.Connection, digest: str) -> Document | None:
    """Return a document, or None.

    Raises
    ------
    StoreError
        What is stored is not what was kept.
    """
    table = documents_table()
    query = sa.select(*(table.c[name] for name in (*_FACTS, "body")))
    row = connection.execute(query.where(table.c.digest == digest)).mappings().one_or_none()
    if row is None:
        return None
    damaged = f"The kept document {digest} was damaged in the store; restore a backup."
    try:
        body = zlib.decompress(row["body"])
        found = digest_of(row["kind"], row["title"], row["question"], body)
    except (zlib.error, TypeError, ValueError) as error:
        raise StoreError(damaged) from error
    made_at = _moment(row["made_at"])
    if found != digest or made_at is None or is_broken(row["data_version"]):
        raise StoreError(damaged)
    return Document(**{**row, "made_at": made_at, "body": body})


def discard_row(connection: sa.Connection, digest: str) -> bool:
    """Remove a document inside a transaction; tell whether there was one."""
    table = documents_table()
    return connection.execute(sa.delete(table).where(table.c.digest == digest)).rowcount == 1
