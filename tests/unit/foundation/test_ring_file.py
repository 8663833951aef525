"""The key ring's file: private, whole, and never repaired by guessing."""

import json
import os
import threading
from pathlib import Path

import pytest

from hsp.foundation.sealing import KeyRing, RingFileError


def test_a_missing_file_is_an_error_unless_it_may_be_made(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ring.jsonl"
    with pytest.raises(RingFileError, match=r"ring\.jsonl"):
        KeyRing.load(path)
    made = KeyRing.load(path, create=True)
    assert KeyRing.load(path, create=True).key_ids == made.key_ids == KeyRing.load(path).key_ids


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ring.jsonl"
    previous = os.umask(0)
    try:
        KeyRing.load(path, create=True).rotate().save(path)
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o602])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ring.jsonl"
    KeyRing.generate().save(path)
    path.chmod(mode)
    with pytest.raises(RingFileError, match="0600"):
        KeyRing.load(path)


def test_a_saved_ring_is_the_same_ring(tmp_path: Path) -> None:
    path = tmp_path / "ring.jsonl"
    ring = KeyRing.generate(now=10).rotate(now=20)
    ring.save(path)
    loaded = KeyRing.load(path)
    assert loaded.keys == ring.keys
    assert [key.retired for key in loaded.keys] == [None, 20]
    assert loaded.unseal("notes", ring.seal("notes", b"plain", aad=b""), aad=b"") == b"plain"


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "{}",
        '"text"',
        json.dumps({"id": "abcdef", "secret": "c2hvcnQ=", "created": 1, "retired": None}),
        json.dumps({"id": "ABCDEF", "secret": "A" * 43 + "=", "created": 1, "retired": None}),
        json.dumps({"id": "abcdef", "secret": "A" * 43 + "=", "created": "soon", "retired": None}),
        json.dumps({"id": "abcdef", "secret": "*" * 44, "created": 1, "retired": None}),
    ],
)
def test_a_line_that_is_no_key_is_named_without_its_content(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ring.jsonl"
    KeyRing.generate().save(path)
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RingFileError, match="line 2") as caught:
        KeyRing.load(path)
    assert line not in str(caught.value)


def test_an_empty_file_and_a_doubled_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring.jsonl"
    KeyRing.generate().save(path)
    text = path.read_text()
    path.write_text(text + text)
    with pytest.raises(RingFileError, match="twice"):
        KeyRing.load(path)
    path.write_text("\n\n")
    with pytest.raises(RingFileError, match="no key"):
        KeyRing.load(path)


def test_two_that_create_at_once_end_with_one_ring(tmp_path: Path) -> None:
    path = tmp_path / "ring.jsonl"
    rings: list[KeyRing] = []
    barrier = threading.Barrier(8)

    def create() -> None:
        barrier.wait()
        rings.append(KeyRing.load(path, create=True))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ring.key_ids for ring in rings} == {KeyRing.load(path).key_ids}
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring.jsonl"]


def test_a_failed_write_leaves_the_old_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ring.jsonl"
    ring = KeyRing.generate()
    ring.save(path)

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(RingFileError, match="No space"):
        ring.rotate().save(path)
    assert KeyRing.load(path).key_ids == ring.key_ids
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring.jsonl"]
