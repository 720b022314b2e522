#!/usr/bin/env python3
"""Checks a proof of tenant_guard.audit_proof with nothing but this file: docs/audit-format.md describes the format.

    check.py [DIGEST] < proof.json

DIGEST, in hex, is one that was kept elsewhere: the last block of the proof has to have it. Ends with 0 and says what was
proved, or with 1 and says what does not fit.
"""

import hashlib
import json
import struct
import sys

NULL, UNTOLD, LARGE, SALTED, ERASED, PLAIN = 0, 1, 2, 3, 4, 5


class Wrong(Exception):
    pass


def need(truth, what):
    if not truth:
        raise Wrong(what)


def sha256(data):
    return hashlib.sha256(data).digest()


def u64(n):
    return struct.pack(">Q", n & (2**64 - 1))


def leb128(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def texts_hash(domain, texts):
    out = b""
    for text in [domain] + texts:
        if text is None:
            out += leb128(NULL)
        else:
            data = text.encode()
            out += leb128(len(data) + PLAIN) + data
    return sha256(out)


class Image:
    """Reads an image, and writes what is hashed of it: a salted value as the hash of salt and value."""

    def __init__(self, data):
        self.data, self.at, self.out = data, 0, b""

    def take(self, count):
        need(self.at + count <= len(self.data), "the image is cut short")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self):
        n = shift = 0
        while True:
            byte = self.take(1)[0]
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def value(self):
        start = self.at
        head = self.number()
        if head == SALTED:
            length = self.number()
            salt_and_value = self.take(16 + length)
            self.out += leb128(ERASED) + sha256(salt_and_value)
            return
        if head == LARGE:
            self.take(8 + 32)
        elif head == ERASED:
            self.take(32)
        elif head >= PLAIN:
            self.take(head - PLAIN)
        self.out += self.data[start : self.at]

    def committed(self, columns):
        for _ in range(columns):
            self.value()
        while self.at < len(self.data):
            self.out += leb128(self.number())
            self.value()
        return self.out


def content_hash(event, layout, context):
    columns = len(json.loads(layout["description"])["columns"])
    image = bytes.fromhex(event["image"])
    if event["operation"] == "K":
        columns = 1
    elif event["operation"] == "T":
        columns = 0
    out = b"tenant_guard audit event 1\0"
    out += u64(event["id"]) + u64(event["occurred_at"]) + u64(event["transaction_id"])
    out += event["operation"].encode()
    out += b"\0" if event["row_key"] is None else b"\1" + u64(event["row_key"])
    organization = event["organization"]
    out += b"\0" if organization is None else b"\1" + bytes.fromhex(organization)
    out += bytes.fromhex(layout["hash"]) + bytes.fromhex(context["hash"])
    return sha256(out + Image(image).committed(columns))


def leaf(data):
    return sha256(b"\0" + data)


def node(left, right):
    return sha256(b"\1" + left + right)


def root_of(hash, index, size, path):
    """RFC 9162, 2.1.3.2."""
    need(0 <= index < size, "an index is outside of its tree")
    at, last = index, size - 1
    for other in path:
        need(last != 0, "a path is too long")
        if at & 1 or at == last:
            hash = node(other, hash)
            while not at & 1 and at != 0:
                at >>= 1
                last >>= 1
        else:
            hash = node(hash, other)
        at >>= 1
        last >>= 1
    need(last == 0, "a path is too short")
    return hash


def path(tree):
    return [bytes.fromhex(one) for one in tree["path"]]


def block_digest(block):
    out = b"tenant_guard audit block 1\0" + u64(block["number"]) + block["kind"].encode()
    for name in ("origin", "xid_from", "id_from", "xid_to", "id_to", "sealed_at", "events"):
        out += u64(block[name])
    return sha256(out + bytes.fromhex(block["previous"]) + bytes.fromhex(block["root"]))


CONTEXT = (
    "id user_id organization_id project_id roles session_id request_id db_role session_role application_name "
    "client_address statement reason"
).split()


def check(proof, kept=None):
    need(proof["format"] == "tenant_guard audit proof 1", "it is of another format")
    event, layout, context = proof["event"], proof["layout"], proof["context"]
    names = ("table_key", "table_schema", "table_name", "table_owner", "description")
    told = texts_hash("tenant_guard audit layout 1", [layout[name] for name in names])
    need(told.hex() == layout["hash"], "the layout has another hash")
    told = texts_hash("tenant_guard audit context 1", [context[name] for name in CONTEXT])
    need(told.hex() == context["hash"], "the context has another hash")
    hash = content_hash(event, layout, context)
    need(hash.hex() == event["hash"], "the event has another hash")

    tree, trees, blocks = proof["organization_tree"], proof["block_tree"], proof["blocks"]
    root = root_of(leaf(hash), tree["index"], tree["events"], path(tree))
    need(root.hex() == tree["root"], "the event does not lead to the root of its organization's tree")
    organization = event["organization"]
    owner = b"\0" if organization is None else b"\1" + bytes.fromhex(organization)
    top = root_of(leaf(owner + u64(tree["events"]) + root), trees["index"], trees["trees"], path(trees))
    need(top.hex() == blocks[0]["root"], "the organization's tree does not lead to the root of the block")
    position = (event["transaction_id"], event["id"])
    first = blocks[0]
    need(first["kind"] == "E", "the block is none of events")
    covered = (first["xid_from"], first["id_from"]) <= position < (first["xid_to"], first["id_to"])
    need(covered, "the block does not cover the event")
    previous = None
    for block in blocks:
        need(block_digest(block).hex() == block["digest"], "a block has another digest")
        need(previous in (None, block["previous"]), "a block does not follow the one before")
        previous = block["digest"]
    need(kept in (None, previous), "the last block has not the digest that was kept")
    return f"event {event['id']} of {layout['table_schema']}.{layout['table_name']} is in block {first['number']}; the digest is {previous}"


if __name__ == "__main__":
    try:
        print(check(json.load(sys.stdin), *[arg.lower() for arg in sys.argv[1:2]]))
    except (Wrong, KeyError, ValueError, TypeError, IndexError) as wrong:
        print(f"not proved: {wrong}", file=sys.stderr)
        sys.exit(1)
