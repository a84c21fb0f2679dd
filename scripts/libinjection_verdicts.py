"""Answers with the verdicts of the C original of libinjection, text by text.

Reads frames of a little-endian length of four bytes and the text; answers each with ten bytes: whether
it is SQL injection, the fingerprint padded to eight bytes, and the context of the script or 255.
"""

import struct
import sys

import libinjection


class Octets:
    """The binding calls `encode` on what it is given; octets need none."""

    def __init__(self, octets):
        self.octets = octets

    def encode(self, _charset):
        return self.octets


def main():
    texts, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        head = texts.read(4)
        if len(head) < 4:
            return
        text = Octets(texts.read(struct.unpack("<I", head)[0]))
        sql = libinjection.is_sql_injection(text)
        script = libinjection.is_xss(text)
        fingerprint = sql["fingerprint"].encode()[:8].ljust(8, b"\0")
        answers.write(bytes([bool(sql["is_sqli"])]) + fingerprint + bytes([script["flag"] & 255]))


if __name__ == "__main__":
    main()
