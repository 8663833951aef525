"""The folder tree of an account: names, roles, counts, in the order people expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hsp.mail.content import clean_text
from hsp.mail.ids import FolderKey, Ids
from hsp.protocols.imap import FolderInfo, Status

__all__ = ["Folder", "Role", "build_folders"]

Role = Literal["inbox", "drafts", "sent", "trash", "junk", "archive"]

_ROLES: tuple[Role, ...] = ("inbox", "drafts", "sent", "archive", "junk", "trash")
# Where the server marks no special use (RFC 6154), these names are taken for it; the first match wins.
_WELL_KNOWN: dict[str, Role] = {
    "drafts": "drafts",
    "draft": "drafts",
    "entwürfe": "drafts",
    "brouillons": "drafts",
    "sent": "sent",
    "sent items": "sent",
    "sent mail": "sent",
    "sent messages": "sent",
    "gesendet": "sent",
    "trash": "trash",
    "deleted items": "trash",
    "deleted messages": "trash",
    "bin": "trash",
    "papierkorb": "trash",
    "junk": "junk",
    "spam": "junk",
    "junk e-mail": "junk",
    "junk mail": "junk",
    "bulk mail": "junk",
    "archive": "archive",
    "archives": "archive",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder. `name` is what the server calls it, `label` its last part, `path` all parts, `level` its depth.

    `parent_id` is "" at the top. A folder that cannot be `selectable` only holds others.
    """

    id: str
    name: str
    label: str
    path: tuple[str, ...]
    role: Role | None
    level: int
    total: int
    unread: int
    selectable: bool
    parent_id: str


async def build_folders(ids: Ids, owner: int, infos: Sequence[FolderInfo]) -> list[Folder]:
    """Folders with their ids, parents before children: the ones with a role first, the rest by name."""
    # A name that only holds others stays, to hold them; one that holds nothing is no folder at all (RFC 5258).
    holders = {name for info in infos for name in _ancestors(info)}
    ordered = [info for info in infos if "\\NonExistent" not in info.flags or info.name in holders]
    roles = _roles(ordered)
    ordered.sort(key=lambda info: _position(info, roles))
    keys = [_key(info) for info in ordered]
    refs = await ids.numbers(owner, keys)
    by_name = {info.name: ref.id for info, ref in zip(ordered, refs, strict=True)}
    return [_folder(info, ref.id, roles.get(info.name), by_name) for info, ref in zip(ordered, refs, strict=True)]


def _key(info: FolderInfo) -> FolderKey:
    status = info.status or Status()
    return FolderKey(info.name, status.uidvalidity or 0, status.mailboxid or "")


def _folder(info: FolderInfo, folder_id: str, role: Role | None, by_name: dict[str, str]) -> Folder:
    parts = _parts(info)
    parents = [by_name[name] for name in _ancestors(info) if name in by_name]
    status = info.status or Status()
    return Folder(
        id=folder_id,
        name=info.name,
        label=clean_text(parts[-1]) or "?",
        path=tuple(clean_text(part) for part in parts),
        role=role,
        level=len(parents),
        total=status.messages or 0,
        unread=status.unseen or 0,
        selectable=info.selectable,
        parent_id=parents[-1] if parents else "",
    )


def _roles(infos: Sequence[FolderInfo]) -> dict[str, Role]:
    """One folder per role: by attribute first, then by name, the one nearest to the top."""
    found: dict[Role, str] = {}
    for info in infos:
        if info.name.upper() == "INBOX":
            found["inbox"] = info.name
        use = (info.special_use or "").lower()
        role = next((one for one in _ROLES if one == use), None)
        if role is not None and info.selectable:
            found.setdefault(role, info.name)
    for info in sorted(infos, key=lambda one: len(_parts(one))):
        by_name = _WELL_KNOWN.get(_parts(info)[-1].casefold())
        if by_name is not None and info.selectable and _is_top(info):
            found.setdefault(by_name, info.name)
    return {name: role for role, name in found.items()}


def _is_top(info: FolderInfo) -> bool:
    ancestors = _ancestors(info)
    return not ancestors or ancestors == ["INBOX"]


def _parts(info: FolderInfo) -> list[str]:
    return info.name.split(info.delimiter) if info.delimiter else [info.name]


def _ancestors(info: FolderInfo) -> list[str]:
    parts = _parts(info)
    return [(info.delimiter or "").join(parts[:count]) for count in range(1, len(parts))]


def _position(info: FolderInfo, roles: dict[str, Role]) -> tuple[tuple[int, str], ...]:
    """Sorting by this keeps every folder behind its parent."""
    names = [*_ancestors(info), info.name]
    return tuple(
        (_ROLES.index(roles[name]) if name in roles else len(_ROLES), part.casefold())
        for name, part in zip(names, _parts(info), strict=True)
    )
