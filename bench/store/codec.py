"""What a run is in bytes: its record as JSON that carries a hash of itself, its probabilities as ``.npy``."""

from __future__ import annotations

import hashlib
import io
import re

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from bench.errors import CorruptRecordError
from bench.records import SCHEMA_VERSION, RunRecord, Status

_HASHES = re.compile(rb'\n "test_probabilities_sha256": "([0-9a-f]{64})",\n "sha256": "([0-9a-f]{64})"\n}\n\Z')
_END_BYTES = 256
"""Where those two lines are sought: at the end, which is quicker than in all of a file."""


def encode_record(record: RunRecord) -> tuple[RunRecord, bytes]:
    """Return a record with the hash of its file, and the file's bytes.

    The hash is of the bytes themselves, with the hash left empty, so that a later field of records, or another way to
    spell a number, changes nothing for files that are there.
    """
    blank = record.model_copy(update={"sha256": ""}).model_dump_json(indent=1).encode() + b"\n"
    sha = _sha256(blank)
    return record.model_copy(update={"sha256": sha}), _refilled(blank, "", sha)


def _refilled(content: bytes, old: str, new: str) -> bytes:
    """Return a record's file with another hash in it; that is the last of its fields."""
    before, _, after = content.rpartition(f'"sha256": "{old}"'.encode())
    return before + f'"sha256": "{new}"'.encode() + after


def decode_record(content: bytes, key: str, status: Status, where: object) -> RunRecord:
    """Return the record in a file's bytes.

    Args:
        content: the bytes.
        key: the run it must be of.
        status: how that run must have ended.
        where: the file, for messages.

    Raises:
        CorruptRecordError: if it is truncated, foreign, altered, or of another version.
    """
    try:
        record = RunRecord.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        at = f", see field {field!r}" if field else ""
        raise CorruptRecordError(f"{where} is not a run record{at}: {first['msg']}") from None
    if record.key != key or record.status != status:
        raise CorruptRecordError(f"{where} holds the {record.status} record {record.key!r}, not its own name")
    if not own_hash_holds(content, record.sha256):
        raise CorruptRecordError(f"{where} does not match the hash it carries: it was altered")
    return record


def own_hash_holds(content: bytes, sha256: str) -> bool:
    """Return whether the bytes of a record match the hash that they carry; records older than it carry none."""
    return not sha256 or _sha256(_refilled(content, sha256, "")) == sha256


def is_as_written(record: bytes, probabilities: bytes, key: str) -> bool:
    """Return whether the bytes of a finished run are those it was once stored in, by the hashes they carry.

    Nothing is parsed: of a run of 30 KB that takes six times as long as reading and hashing it. JSON spells a line
    break inside a string as an escape, so a line that begins with one blank is a field of the record itself.

    Returns:
        False also where there is no telling, as of records older than their hash: those are to be decoded.
    """
    lines = (f'\n "schema_version": {SCHEMA_VERSION},\n', f'\n "key": "{key}",\n', '\n "status": "ok",\n')
    hashes = _HASHES.search(record, max(0, len(record) - _END_BYTES))
    if hashes is None or not all(line.encode() in record for line in lines):
        return False
    of_probabilities, own = (found.decode() for found in hashes.groups())
    return _sha256(probabilities) == of_probabilities and _sha256(_refilled(record, own, "")) == own


def encode_probabilities(values: npt.NDArray[np.float32]) -> bytes:
    """Return (rounds + 1, n_test) probabilities as the bytes of an ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values, dtype=np.float32), allow_pickle=False)
    return buffer.getvalue()


def decode_probabilities(content: bytes, record: RunRecord, where: object) -> npt.NDArray[np.float32]:
    """Return the (rounds + 1, n_test) probabilities in a file's bytes.

    Raises:
        CorruptRecordError: if they are not those of the record, by hash, or no array of numbers.
    """
    if _sha256(content) != record.test_probabilities_sha256:
        raise CorruptRecordError(f"{where} does not match the hash in its record")
    return as_array(content, where)


def as_array(content: bytes, where: object) -> npt.NDArray[np.float32]:
    """Return the array in the bytes of an ``.npy`` file.

    Raises:
        CorruptRecordError: if they are no array of numbers.
    """
    try:
        array: npt.NDArray[np.float32] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except ValueError:
        raise CorruptRecordError(f"{where} is not a NumPy array of numbers") from None
    return array


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
