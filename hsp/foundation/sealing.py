"""The key ring: everything that is signed, derived or sealed at rest goes through it.

Promises:
- What a ring sealed or signed is accepted only under the same purpose, the same associated data and the same secret.
- A sealed blob names its version and its ring key, and both are authenticated: neither can be swapped or downgraded.
- After a rotation the newest key signs and seals; what older keys made stays readable until they are pruned.
- The ring file is readable by its owner only; a file that others may read is refused.
"""

import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

from hsp.foundation import ring_file
from hsp.foundation.ring_file import RingFileError, RingKey

__all__ = ["KEY_ID_LENGTH", "KeyRing", "RingFileError", "RingKey", "SealError", "pack", "unpack"]

KEY_ID_LENGTH: Final = 6
_VERSION: Final = 1
_NONCE_LENGTH: Final = 12
_HEADER_LENGTH: Final = 1 + KEY_ID_LENGTH
_TAG_LENGTH: Final = 16
_PROVEN_KEPT: Final = 4096
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


class SealError(Exception):
    """What was presented is not what this ring made, for this purpose, under this associated data and secret."""


class _HmacSha256(SigningAlgorithm):
    """One-shot HMAC: less than half the time of itsdangerous' default over a short value, the same digest."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


def pack(*parts: bytes | str) -> bytes:
    """Joins `parts` so that no two different lists give the same bytes (each part carries its length)."""
    packed = bytearray()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        packed += len(data).to_bytes(4, "big")
        packed += data
    return bytes(packed)


def unpack(packed: bytes) -> list[bytes]:
    """The parts that `pack` was given. Raises SealError when `packed` was cut."""
    parts, start = [], 0
    while start < len(packed):
        end = start + 4 + int.from_bytes(packed[start : start + 4], "big")
        if start + 4 > len(packed) or end > len(packed):
            raise SealError("cut short")
        parts.append(packed[start + 4 : end])
        start = end
    return parts


def _derive(secret: bytes, salt: bytes | None, info: str) -> bytes:
    return HKDF(SHA256(), 32, salt, info.encode()).derive(secret)


class _ExactSigner(Signer):
    """Compares signatures as text: decoded base64 ignores two bits of its last character, so one key had four forms."""

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        expected = self.get_signature(value)
        return hmac.compare_digest(expected, sig if isinstance(sig, bytes) else sig.encode())


class _KeyMaterial:
    """What one ring key yields per purpose, derived once: HKDF per request would be paid for nothing."""

    def __init__(self, key: RingKey) -> None:
        self.key = key
        self._derived: dict[str, bytes] = {}
        self._ciphers: dict[str, AESGCM] = {}
        self._proven: dict[tuple[str, bytes], AESGCM] = {}
        self._signers: dict[str, Signer] = {}

    def derived(self, use: str) -> bytes:
        known = self._derived.get(use)
        if known is None:
            known = self._derived[use] = _derive(self.key.secret, None, f"hsp ring v1 {use}")
        return known

    def signer(self, purpose: str) -> Signer:
        known = self._signers.get(purpose)
        if known is None:
            key = self.derived(f"sign {purpose}")
            known = _ExactSigner([key], salt=purpose, key_derivation="none", algorithm=_HmacSha256())
            self._signers[purpose] = known
        return known

    def cipher(self, purpose: str, secret: bytes) -> AESGCM:
        if secret:
            known = self._proven.get((purpose, secret))
            return known or AESGCM(_derive(secret, self.derived(f"twin {purpose}"), "hsp sealed under a secret"))
        known = self._ciphers.get(purpose)
        if known is None:
            known = self._ciphers[purpose] = AESGCM(self.derived(f"seal {purpose}"))
        return known

    def keep(self, purpose: str, secret: bytes, cipher: AESGCM) -> None:
        """Remember the cipher of a secret that has opened something. It opens nothing that the store does not hold."""
        key = (purpose, secret)
        if secret and key not in self._proven:
            if len(self._proven) >= _PROVEN_KEPT:
                del self._proven[next(iter(self._proven))]
            self._proven[key] = cipher


class KeyRing:
    """An ordered set of secrets, the newest first. Immutable: `rotate` and `prune` return another ring."""

    def __init__(self, keys: Sequence[RingKey]) -> None:
        if not keys:
            raise RingFileError("the key ring holds no key")
        self._keys = tuple(keys)
        self._material = {key.id: _KeyMaterial(key) for key in self._keys}
        self._newest = self._material[self._keys[0].id]

    @classmethod
    def generate(cls, *, now: float = 0) -> "KeyRing":
        """A ring of one fresh key that lives in memory."""
        return cls([_fresh(now, ())])

    @classmethod
    def load(cls, path: Path, *, create: bool = False, now: float = 0) -> "KeyRing":
        """The ring of the file at `path`; with `create` a missing file is made. Raises RingFileError."""
        if create and not path.exists():
            ring_file.create(path, cls.generate(now=now).keys)
        return cls(ring_file.read(path))

    def save(self, path: Path) -> None:
        """Replaces the file at `path` in one step, readable by its owner only."""
        ring_file.replace(path, self._keys)

    def rotate(self, *, now: float = 0) -> "KeyRing":
        """A ring whose new newest key signs and seals; the older ones keep opening what they made."""
        older = [key if key.retired else replace(key, retired=now or 1.0) for key in self._keys]
        return KeyRing([_fresh(now, self._material), *older])

    def prune(self, retired_before: float) -> "KeyRing":
        """A ring without the keys retired before that time (epoch seconds). The newest key always stays."""
        return KeyRing([key for key in self._keys if not key.retired or key.retired >= retired_before])

    @property
    def keys(self) -> tuple[RingKey, ...]:
        """All keys, the newest first."""
        return self._keys

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, the newest first."""
        return tuple(self._material)

    @property
    def newest_id(self) -> str:
        """The id of the key that signs and seals."""
        return self._newest.key.id

    def knows(self, key_id: str) -> bool:
        """Whether the ring holds that key."""
        return key_id in self._material

    def mac(self, purpose: str, data: bytes, key_id: str | None = None) -> bytes:
        """32 bytes of HMAC-SHA256 over `data` under the named key (default: the newest). Raises SealError."""
        material = self._newest if key_id is None else self._known(key_id)
        return hmac.digest(material.derived(f"mac {purpose}"), data, "sha256")

    def sign(self, purpose: str, value: str, key_id: str | None = None) -> str:
        """`value.signature` (URL-safe when `value` is), by the newest key unless another one is named."""
        material = self._newest if key_id is None else self._known(key_id)
        return material.signer(purpose).sign(value).decode()

    def unsign(self, purpose: str, signed: str, key_id: str | None = None) -> str:
        """The value that `sign` was given. Tries every key of the ring, or only the named one. Raises SealError."""
        materials = self._material.values() if key_id is None else (self._known(key_id),)
        for material in materials:
            try:
                return material.signer(purpose).unsign(signed).decode()
            except (BadSignature, UnicodeError):
                continue
        raise SealError("not signed by this ring for this purpose")

    def seal(self, purpose: str, plaintext: bytes, *, aad: bytes, secret: bytes = b"") -> bytes:
        """AES-256-GCM under the newest key and, when given, `secret`: version, key id, nonce, ciphertext."""
        return self.seal_with(self.newest_id, purpose, plaintext, aad=aad, secret=secret)

    def seal_with(self, key_id: str, purpose: str, plaintext: bytes, *, aad: bytes, secret: bytes = b"") -> bytes:
        """Like `seal` under the named key: for records whose owner was made under that key. Raises SealError."""
        header = bytes((_VERSION,)) + key_id.encode()
        nonce = os.urandom(_NONCE_LENGTH)
        cipher = self._known(key_id).cipher(purpose, secret)
        return header + nonce + cipher.encrypt(nonce, plaintext, header + aad)

    def unseal(self, purpose: str, blob: bytes, *, aad: bytes, secret: bytes = b"") -> bytes:
        """What `seal` was given. Raises SealError when anything differs: version, key, purpose, data, secret."""
        if len(blob) < _HEADER_LENGTH + _NONCE_LENGTH + _TAG_LENGTH or blob[0] != _VERSION:
            raise SealError("unknown format")
        header = blob[:_HEADER_LENGTH]
        material = self._known(header[1:].decode("ascii", "replace"))
        nonce = blob[_HEADER_LENGTH : _HEADER_LENGTH + _NONCE_LENGTH]
        cipher = material.cipher(purpose, secret)
        try:
            plaintext = cipher.decrypt(nonce, blob[_HEADER_LENGTH + _NONCE_LENGTH :], header + aad)
        except InvalidTag:
            raise SealError("sealed for something else, or changed since") from None
        material.keep(purpose, secret, cipher)
        return plaintext

    def _known(self, key_id: str) -> _KeyMaterial:
        try:
            return self._material[key_id]
        except KeyError:
            raise SealError("unknown ring key") from None


def _fresh(now: float, taken: Iterable[str]) -> RingKey:
    while (key_id := "".join(secrets.choice(_ALPHABET) for _ in range(KEY_ID_LENGTH))) in taken:
        pass
    return RingKey(key_id, secrets.token_bytes(32), now, None)
