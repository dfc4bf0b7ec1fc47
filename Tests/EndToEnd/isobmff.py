# SPDX-License-Identifier: Apache-2.0
"""A small reader of fragmented MP4 (ISO/IEC 14496-12, CMAF): init sections and fragments, nothing else."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator


class BoxError(ValueError):
    """Bytes that are no well-formed box."""


@dataclasses.dataclass(frozen=True)
class Sample:
    duration: int
    size: int
    sync: bool
    offset: int  # composition time offset


@dataclasses.dataclass
class Run:
    """One track's samples in one fragment."""

    track: int
    decode_time: int
    samples: list[Sample]

    @property
    def duration(self) -> int:
        return sum(sample.duration for sample in self.samples)


@dataclasses.dataclass
class Fragment:
    sequence: int
    runs: list[Run]
    data_size: int

    def run(self, track: int) -> Run | None:
        return next((run for run in self.runs if run.track == track), None)


@dataclasses.dataclass
class Track:
    id: int
    handler: str  # vide, soun
    timescale: int
    codec: str  # by RFC 6381
    width: int = 0
    height: int = 0
    rate: int = 0
    channels: int = 0
    default_duration: int = 0
    default_size: int = 0
    default_flags: int = 0

    @property
    def is_video(self) -> bool:
        return self.handler == "vide"


@dataclasses.dataclass
class InitSection:
    brands: list[str]
    tracks: list[Track]

    @property
    def video(self) -> Track | None:
        return next((track for track in self.tracks if track.is_video), None)

    @property
    def audio(self) -> Track | None:
        return next((track for track in self.tracks if track.handler == "soun"), None)

    @property
    def codecs(self) -> list[str]:
        return [track.codec for track in self.tracks]

    def track(self, id: int) -> Track | None:
        return next((track for track in self.tracks if track.id == id), None)


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[str, int, int]]:
    """(type, body start, body end) of each box between start and end; they must fill it exactly."""
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise BoxError(f"{end - start} stray bytes at {start}")
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        if size < header or start + size > end:
            raise BoxError(f"box {kind!r} at {start} claims {size} bytes of {end - start}")
        yield kind.decode("latin-1"), start + header, start + size
        start += size


def find(data: bytes, path: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Bodies of all boxes at a path such as `moov/trak/mdia`."""
    first, _, rest = path.partition("/")
    found = [(begin, stop) for kind, begin, stop in boxes(data, start, end) if kind == first]
    return found if not rest else [inner for begin, stop in found for inner in find(data, rest, begin, stop)]


def parse_init(data: bytes) -> InitSection:
    """ftyp and moov with mvex; raises BoxError where a part is missing."""
    kinds = [kind for kind, _, _ in boxes(data)]
    if kinds[:1] != ["ftyp"] or "moov" not in kinds or "mdat" in kinds:
        raise BoxError(f"an init section is ftyp and moov, this is {kinds}")
    begin, stop = find(data, "ftyp")[0]
    brands = [data[begin:begin + 4].decode("latin-1")]
    brands += [data[at:at + 4].decode("latin-1") for at in range(begin + 8, stop, 4)]
    tracks = [_track(data, begin, stop) for begin, stop in find(data, "moov/trak")]
    defaults = {struct.unpack_from(">I", data, begin + 4)[0]: struct.unpack_from(">IIII", data, begin + 8)
                for begin, _ in find(data, "moov/mvex/trex")}
    for track in tracks:
        if track.id not in defaults:
            raise BoxError(f"track {track.id} has no trex")
        _, track.default_duration, track.default_size, track.default_flags = defaults[track.id]
    return InitSection(brands, tracks)


def parse_fragments(data: bytes, init: InitSection) -> list[Fragment]:
    """Every moof with its mdat; raises BoxError where sample sizes and mdat do not agree."""
    fragments: list[Fragment] = []
    pending: tuple[int, list[Run]] | None = None
    for kind, begin, stop in boxes(data):
        if kind == "moof":
            if pending is not None:
                raise BoxError("moof without mdat")
            pending = _moof(data, begin, stop, init)
        elif kind == "mdat":
            if pending is None:
                raise BoxError("mdat without moof")
            size = sum(sample.size for run in pending[1] for sample in run.samples)
            if size != stop - begin:
                raise BoxError(f"samples of {size} bytes in an mdat of {stop - begin}")
            fragments.append(Fragment(pending[0], pending[1], stop - begin))
            pending = None
        elif kind not in ("styp", "sidx", "prft", "emsg", "free"):
            raise BoxError(f"box {kind} in a media segment")
    if pending is not None:
        raise BoxError("moof without mdat")
    return fragments


@dataclasses.dataclass(frozen=True)
class ReferenceTime:
    """What `prft` says: a media time of a track, and when it was, in seconds since 1970."""

    track: int
    civil: float
    media_time: int


def reference_times(data: bytes) -> list[ReferenceTime]:
    found = []
    for begin, stop in find(data, "prft"):
        form = ">IIIQ" if data[begin] == 1 else ">IIII"
        if stop - begin != 4 + struct.calcsize(form):
            raise BoxError(f"a prft of {stop - begin} bytes")
        track, whole, fraction, media_time = struct.unpack_from(form, data, begin + 4)
        found.append(ReferenceTime(track, whole - NTP_EPOCH + fraction / 2**32, media_time))
    return found


# Seconds from 1900 to 1970.
NTP_EPOCH = 2_208_988_800


def _track(data: bytes, begin: int, stop: int) -> Track:
    tkhd = find(data, "tkhd", begin, stop)[0][0]
    (id,) = struct.unpack_from(">I", data, tkhd + (20 if data[tkhd] == 1 else 12))
    mdhd = find(data, "mdia/mdhd", begin, stop)[0][0]
    (timescale,) = struct.unpack_from(">I", data, mdhd + (20 if data[mdhd] == 1 else 12))
    hdlr = find(data, "mdia/hdlr", begin, stop)[0][0]
    handler = data[hdlr + 8:hdlr + 12].decode("latin-1")
    stsd, stsd_end = find(data, "mdia/minf/stbl/stsd", begin, stop)[0]
    entry, entry_begin, entry_end = next(boxes(data, stsd + 8, stsd_end))
    track = Track(id=id, handler=handler, timescale=timescale, codec=entry)
    if handler == "vide":
        track.width, track.height = struct.unpack_from(">HH", data, entry_begin + 24)
        children = {kind: (first, last) for kind, first, last in boxes(data, entry_begin + 78, entry_end)}
    else:
        track.channels, = struct.unpack_from(">H", data, entry_begin + 16)
        track.rate = struct.unpack_from(">I", data, entry_begin + 24)[0] >> 16
        children = {kind: (first, last) for kind, first, last in boxes(data, entry_begin + 28, entry_end)}
    track.codec = _codec(entry, {kind: data[first:last] for kind, (first, last) in children.items()})
    return track


def _codec(entry: str, children: dict[str, bytes]) -> str:
    """The RFC 6381 name."""
    if entry in ("avc1", "avc3"):
        return f"{entry}.{children['avcC'][1:4].hex()}"
    if entry in ("hvc1", "hev1"):
        return _hevc(entry, children["hvcC"])
    if entry == "av01":
        return _av1(children["av1C"])
    if entry in ("vp08", "vp09"):
        profile, level, depth = children["vpcC"][4:7]
        return f"{entry}.{profile:02d}.{level:02d}.{depth >> 4:02d}"
    if entry == "mp4a":
        return f"mp4a.40.{_audio_object_type(children['esds'])}"
    return {"Opus": "opus", "fLaC": "flac"}.get(entry, entry)


def _hevc(entry: str, record: bytes) -> str:
    space, tier, profile = record[1] >> 6, (record[1] >> 5) & 1, record[1] & 0x1F
    compatibility = int(f"{struct.unpack_from('>I', record, 2)[0]:032b}"[::-1], 2)
    constraints = [f"{byte:X}" for byte in record[6:12].rstrip(b"\0")]
    return ".".join([entry, f"{['', 'A', 'B', 'C'][space]}{profile}", f"{compatibility:X}",
                     f"{'LH'[tier]}{record[12]}", *constraints])


def _av1(record: bytes) -> str:
    profile, level = record[1] >> 5, record[1] & 0x1F
    tier, high, twelve = record[2] >> 7, (record[2] >> 6) & 1, (record[2] >> 5) & 1
    depth = 12 if high and twelve else 10 if high else 8
    return f"av01.{profile}.{level:02d}{'MH'[tier]}.{depth:02d}"


def _audio_object_type(esds: bytes) -> int:
    """From the AudioSpecificConfig in the DecoderSpecificInfo, ISO/IEC 14496-1 7.2.6."""
    position = 4
    while position < len(esds):
        tag, position = esds[position], position + 1
        length = 0
        while True:
            byte, position = esds[position], position + 1
            length = length << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        if tag == 0x03:
            position += 3
        elif tag == 0x04:
            position += 13
        elif tag == 0x05:
            kind = esds[position] >> 3
            return kind if kind != 31 else 32 + ((esds[position] & 7) << 3 | esds[position + 1] >> 5)
        else:
            position += length
    raise BoxError("esds without DecoderSpecificInfo")


def _moof(data: bytes, begin: int, stop: int, init: InitSection) -> tuple[int, list[Run]]:
    mfhd = find(data, "mfhd", begin, stop)
    if len(mfhd) != 1:
        raise BoxError(f"{len(mfhd)} mfhd in a moof")
    (sequence,) = struct.unpack_from(">I", data, mfhd[0][0] + 4)
    return sequence, [_traf(data, first, last, init) for first, last in find(data, "traf", begin, stop)]


def _traf(data: bytes, begin: int, stop: int, init: InitSection) -> Run:
    tfhd = find(data, "tfhd", begin, stop)[0][0]
    flags = int.from_bytes(data[tfhd + 1:tfhd + 4], "big")
    (id,) = struct.unpack_from(">I", data, tfhd + 4)
    track = init.track(id)
    if track is None:
        raise BoxError(f"traf of track {id}, which the init section lacks")
    if not flags & 0x020000:
        raise BoxError("tfhd without default-base-is-moof")
    duration, size, sample_flags = track.default_duration, track.default_size, track.default_flags
    position = tfhd + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    if flags & 8:
        (duration,), position = struct.unpack_from(">I", data, position), position + 4
    if flags & 16:
        (size,), position = struct.unpack_from(">I", data, position), position + 4
    if flags & 32:
        (sample_flags,), position = struct.unpack_from(">I", data, position), position + 4
    tfdt = find(data, "tfdt", begin, stop)
    if len(tfdt) != 1:
        raise BoxError(f"{len(tfdt)} tfdt in a traf")
    at = tfdt[0][0]
    (decode_time,) = struct.unpack_from(">Q" if data[at] == 1 else ">I", data, at + 4)
    samples: list[Sample] = []
    for first, last in find(data, "trun", begin, stop):
        samples += _trun(data, first, last, duration, size, sample_flags)
    return Run(id, decode_time, samples)


def _trun(data: bytes, begin: int, stop: int, duration: int, size: int, flags: int) -> list[Sample]:
    version, present = data[begin], int.from_bytes(data[begin + 1:begin + 4], "big")
    (count,) = struct.unpack_from(">I", data, begin + 4)
    position = begin + 8 + (4 if present & 1 else 0)
    first_flags = None
    if present & 4:
        (first_flags,), position = struct.unpack_from(">I", data, position), position + 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if present & bit]
    if position + 4 * len(fields) * count != stop:
        raise BoxError(f"trun of {count} samples does not fill its box")
    samples: list[Sample] = []
    for index in range(count):
        values = {0x100: duration, 0x200: size, 0x400: flags, 0x800: 0}
        if index == 0 and first_flags is not None:
            values[0x400] = first_flags
        for bit in fields:
            form = ">i" if bit == 0x800 and version == 1 else ">I"
            (values[bit],) = struct.unpack_from(form, data, position)
            position += 4
        samples.append(Sample(values[0x100], values[0x200], not values[0x400] & 0x10000, values[0x800]))
    return samples
