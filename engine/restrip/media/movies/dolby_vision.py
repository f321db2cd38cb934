"""Dolby Vision whose pictures are in colours of its own: without what comes beside them they look green and purple.

    profile 5, 10.0, 20.0   IPT-PQ-c2, nothing else can show it            refused
    profile 7, 8.1, 10.1    HDR10 with more beside it                      read as HDR10
    profile 8.4, 10.4       HLG with more beside it                        read as HLG
    profile 8.2, 9, 10.2    for a usual display                            read as that

Movies say it twice: in the description of their stream (boxes `dvcC`, `dvvC`, `dvwC`, Dolby's configuration record)
and in each picture's own data (ETSI GS CCM 001, 5.3), which is there in whatever kind of file.
"""

from __future__ import annotations

import struct

RECORDS = (b"dvcC", b"dvvC", b"dvwC")
"""The boxes, by profile: up to 7, from 8 on, from 11 on."""
_LEAST_RECORD, _LEAST_HEADER = 5, 11
_HEADER_OFFSET = struct.Struct("@N")
_ALONE = (10, 20)
"""Profiles that may have a picture for others, or none."""


def own_by_record(record: bytes) -> str:
    """The profile, by a stream's record, when its pictures are Dolby Vision's own; "" when others can show them."""
    if len(record) < _LEAST_RECORD:
        return ""
    profile, compatible = record[2] >> 1, record[4] >> 4
    return str(profile) if profile == 5 or (profile in _ALONE and not compatible) else ""


def own_by_metadata(metadata: bytes) -> bool:
    """Whether pictures are Dolby Vision's own, by FFmpeg's AVDOVIMetadata of one of them.

    The data's profile 0 with all code values in use is that of IPT-PQ-c2; HDR10's and HLG's is 1.
    """
    if len(metadata) < _HEADER_OFFSET.size:
        return False
    header = metadata[_HEADER_OFFSET.unpack_from(metadata)[0] :]
    return len(header) >= _LEAST_HEADER and header[4] == 0 and header[10] == 1
