"""Pictures are looked at before they are decoded."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.vision.picture_file import MOST_BYTES, PictureSize, check_picture
from app.errors import AppError
from tests.backends.llama.vision.pictures import GIF, picture, png_that_says


def refused(data: bytes) -> AppError:
    with pytest.raises(AppError) as error:
        check_picture(data)
    return error.value


@pytest.mark.parametrize("kind", ["PNG", "JPG", "BMP"])
def test_the_size_of_every_kind_is_read(kind: str) -> None:
    assert check_picture(picture(width=123, height=45, kind=kind).data) == PictureSize(123, 45)


def test_the_size_of_a_gif_is_read() -> None:
    assert check_picture(GIF.data) == PictureSize(1, 1)


def test_bitmaps_may_stand_on_their_head_or_be_very_old() -> None:
    head = b"BM" + b"\0" * 12
    assert check_picture(head + struct.pack("<Iii", 40, 30, -20)) == PictureSize(30, 20)
    assert check_picture(head + struct.pack("<IHH", 12, 30, 20)) == PictureSize(30, 20)


def test_a_jpeg_may_have_anything_before_its_size() -> None:
    segments = b"\xff\xe1\x00\x08abcdef" + b"\xff\xff\xff\xfe\x00\x03x" + b"\xff\xd0" + b"\xff\xc4\x00\x04ab"
    frame = b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 300, 400)
    assert check_picture(b"\xff\xd8" + segments + frame) == PictureSize(400, 300)


def test_a_picture_may_say_it_is_huge() -> None:
    """A few bytes that unpack to gigabytes: nothing of them is unpacked."""
    error = refused(png_that_says(60_000, 60_000))
    assert error.code == "picture_too_large"
    assert "60,000 × 60,000" in error.message


def test_a_file_may_be_huge() -> None:
    error = refused(picture().data + b"\0" * MOST_BYTES)
    assert error.code == "picture_too_large"
    assert "32 MiB" in error.message


def test_a_thread_is_no_picture() -> None:
    error = refused(png_that_says(5000, 10))
    assert error.code == "picture_unreadable"
    assert "narrow" in error.message


@pytest.mark.parametrize(
    "data", [b"", b"RIFF\x10\0\0\0WEBPVP8 ", b"ID3\x04", b"%PDF-1.7", b"<svg xmlns='x'/>", b"\0\0\0\x18ftypmp42"]
)
def test_what_is_no_picture_is_refused_before_any_decoder_sees_it(data: bytes) -> None:
    error = refused(data)
    assert error.code == "picture_unreadable"
    assert "PNG" in error.message


@pytest.mark.parametrize("kind", ["PNG", "JPG", "BMP"])
def test_a_header_that_is_cut_off_is_damaged(kind: str) -> None:
    data = picture(kind=kind).data
    for length in range(8, 24):
        assert refused(data[:length]).code == "picture_unreadable"


def test_a_picture_without_a_side_is_damaged() -> None:
    assert "damaged" in refused(png_that_says(0, 10)).message
    assert "damaged" in refused(b"\xff\xd8\xff\xd9\0\0").message


@given(
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM"]), rest=st.binary(max_size=60)
)
def test_any_bytes_have_a_size_or_are_refused(start: bytes, rest: bytes) -> None:
    try:
        size = check_picture(start + rest)
    except AppError as error:
        code = error.code
    else:
        code = "read" if size.width > 0 and size.height > 0 else "without a side"
    assert code in {"read", "picture_unreadable", "picture_too_large"}
