"""Chunks: every character is in one, each fits, and objects of an overlap are there once."""

from __future__ import annotations

import json
import unicodedata
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from engine.extraction.chunks import Chunk, merge_chunks, split_text

PIECES = tuple(bytes([byte]) for byte in range(256))
TEXTS = st.text(alphabet=st.sampled_from("ab ü.!?\n\r\t…。€𝄞\0।กำเ\u0301\u200d\u2029👩"), max_size=200)


def bytewise(data: bytes) -> list[int]:
    """A tokeniser whose tokens are bytes."""
    return list(data)


@given(TEXTS, st.integers(4, 60))
def test_chunks_cover_the_text_in_order_and_fit(text: str, limit: int) -> None:
    chunks = split_text(text, limit, bytewise, PIECES)
    data = text.encode()
    reached = 0
    for index, chunk in enumerate(chunks):
        assert chunk.text.encode() == data[chunk.start : chunk.end]
        assert len(chunk.text.encode()) <= limit
        assert chunk.start <= reached
        assert index == 0 or (chunk.end > reached and chunk.start > chunks[index - 1].start)
        reached = chunk.end
    assert reached == len(data)
    assert chunks[0].start == 0


def test_text_that_fits_is_one_chunk() -> None:
    assert split_text("one. two.", 9, bytewise, PIECES) == [Chunk(0, 9, "one. two.")]


def test_cuts_fall_at_the_ends_of_lines_then_sentences_then_words() -> None:
    def texts(text: str, limit: int) -> list[str]:
        return [chunk.text for chunk in split_text(text, limit, bytewise, PIECES)]

    assert texts("a b c. d e f\ng h i. j k l\nm n o.", 20)[0] == "a b c. d e f\n"
    assert texts("aaa bbb ccc. Ddd eee fff. Ggg", 20)[0] == "aaa bbb ccc. "
    assert texts("aaa bbb etc. ddd eee fff. Ggg", 20)[0] == "aaa bbb etc. ddd "
    assert texts("aaa bbb ccc ddd eee fff ggg", 14)[0] == "aaa bbb ccc "
    assert texts("a" * 30, 10)[0] == "a" * 10
    assert texts("第一。第二。第三。", 12)[0] == "第一。"


# A text in two sentences or more, and where the first ends: a cut in the second half of what fits falls there.
SENTENCES = {
    "Hindi": ("मेरा नाम जॉन है। ", "मैं बीस साल का हूँ और दिल्ली में रहता हूँ।"),
    "Sanskrit": ("धर्मक्षेत्रे कुरुक्षेत्रे॥ ", "समवेता युयुत्सवः मामकाः पाण्डवाश्चैव किमकुर्वत सञ्जय"),
    "Arabic": ("ما اسمك يا صديقي؟ ", "اسمي علي وأنا من مدينة بغداد القديمة"),
    "Urdu": ("میرا نام علی ہے۔ ", "میں بیس سال کا ہوں اور لاہور میں رہتا ہوں"),
    "Chinese": ("我的名字是王小明。", "我今年二十岁住在北京市海淀区中关村大街"),
    "Chinese, quoted": ("他说：“我二十岁！”", "然后他就走了没有再说什么话也没有回来过"),
    "Japanese, full width": ("私は田中です．", "東京に住んでいますが、来年は大阪に引っ越します"),
    "Japanese, half width": ("ｱﾘｶﾞﾄｳ｡", "ｻﾖｳﾅﾗ ﾏﾀｱｼﾀ ｶｲﾏｼｮｳ"),
    "Burmese": ("ကျွန်တော် ဂျွန်ပါ။ ", "အသက် နှစ်ဆယ် ရှိပါပြီ ရန်ကုန်မှာ နေပါတယ်"),
    "Amharic": ("ስሜ ዮሐንስ ነው። ", "ዕድሜዬ ሃያ ዓመት ነው እና በአዲስ አበባ እኖራለሁ"),
    "Tibetan": ("ངའི་མིང་ལ་བཀྲ་ཤིས་ཟེར།", "ང་ལོ་ཉི་ཤུ་ཡིན་ང་ལྷ་ས་ལ་སྡོད་ཀྱི་ཡོད་"),
    "Armenian": ("Իմ անունը Արամ է։ ", "Ես քսան տարեկան եմ և ապրում եմ Երևանում"),
    "Greek": ("Με λένε Γιώργο! ", "Είμαι είκοσι χρονών και μένω στην Αθήνα"),
    "English": ("He said “no.” ", "Then he left for Baltimore and never came back"),
    "old Mac": ("first line of it\r", "second line that is much longer than it"),
    "paragraphs": ("first. Second.\u2029", "third. Fourth and so on until it is long"),
}


@pytest.mark.parametrize("script", SENTENCES)
def test_sentences_of_every_script_end_where_they_end(script: str) -> None:
    first, rest = SENTENCES[script]
    limit = int(len(first.encode()) * 1.4)
    assert len(rest.encode()) > limit
    assert split_text(first + rest, limit, bytewise, PIECES)[0].text == first


@pytest.mark.parametrize(
    "sentence",
    [
        "see http://example.org/?q=1&r=2!x for more",
        "it weighs 3.5 kg and 1.234.567 g of it",
        "the U.S.A and Mr.X of e.g. something",
        "Version 2．5 is approx. five times it",
    ],
)
def test_what_looks_like_an_end_of_a_sentence_and_is_none_is_not_cut_at(sentence: str) -> None:
    for limit in range(12, len(sentence.encode())):
        for chunk in split_text(sentence, limit, bytewise, PIECES)[:-1]:
            assert chunk.text.endswith(" ") or " " not in chunk.text[len(chunk.text) // 2 :], (limit, chunk.text)


SYLLABLES = {
    "Burmese": "ကျွန်တော်ဂျွန်ပါအသက်နှစ်ဆယ်ရှိပါပြီ",
    "Thai vowels": "สวัสดีครับผมชื่อจอห์นอายุยี่สิบปี",
    "Khmer": "ខ្ញុំឈ្មោះចន្ទអាយុម្ភៃឆ្នាំ",
}


@pytest.mark.parametrize("script", SYLLABLES)
def test_texts_without_blanks_are_not_cut_inside_of_a_syllable(script: str) -> None:
    text = SYLLABLES[script] * 4
    for limit in range(20, 60, 3):
        for chunk in split_text(text, limit, bytewise, PIECES)[:-1]:
            before, after = chunk.text[-1], text.encode()[chunk.end :].decode()
            assert unicodedata.category(after[0])[0] != "M"
            assert before not in "เแโใไ\u1039\u17d2"
            assert after[0] not in "ะาำๅๆ"
            assert after[1:2] != "\u103a"


@given(
    st.text(alphabet=st.sampled_from("aé\u0301\u0308👩👨\u200d🇩🇪กำनि\u094d्षक "), min_size=1, max_size=120),
    st.integers(25, 60),
)
def test_no_cut_splits_a_grapheme_that_fits(text: str, limit: int) -> None:
    graphemes = regex.findall(r"\X", text)
    inside = set()
    at = 0
    for grapheme in graphemes:
        size = len(grapheme.encode())
        if size <= limit // 3:
            inside |= set(range(at + 1, at + size))
        at += size
    for chunk in split_text(text, limit, bytewise, PIECES):
        assert not {chunk.start, chunk.end} & inside


def test_next_chunk_begins_with_what_stood_at_the_end_of_the_one_before() -> None:
    lines = [f"line {number:02}.\n" for number in range(40)]
    chunks = split_text("".join(lines), 100, bytewise, PIECES)
    for one, other in pairwise(chunks):
        assert one.start < other.start < one.end
        assert other.text.startswith("line")


def names(*given_: str) -> list[str]:
    return [json.dumps({"name": name}) for name in given_]


def test_object_of_the_overlap_is_there_once() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    assert merge_chunks(chunks, [names("Ann", "Bob", "Carl"), names("Carl", "Dora")]) == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 1),
    ]


def test_equal_objects_that_do_not_stand_in_the_overlap_are_all_kept() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 20, "Carl. Ann.")]
    assert merge_chunks(chunks, [names("Ann", "Bob", "Carl"), names("Carl", "Ann")]) == [(0, 0), (0, 1), (0, 2), (1, 1)]


def test_object_is_dropped_as_often_as_the_overlap_has_it() -> None:
    chunks = [Chunk(0, 15, "Ann. Ann. Ann. "), Chunk(10, 25, "Ann. Ann. Dora.")]
    kept = merge_chunks(chunks, [names("Ann", "Ann", "Ann"), names("Ann", "Ann", "Dora")])
    assert kept == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]


def test_object_that_only_the_later_chunk_gave_is_kept() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    assert merge_chunks(chunks, [names("Ann", "Bob"), names("Carl", "Dora")]) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_values_that_the_text_does_not_show_are_aligned() -> None:
    chunks = [Chunk(0, 16, "Ann. Bob. Carl. "), Chunk(10, 21, "Carl. Dora.")]
    kept = merge_chunks(chunks, [names("2024-01-01", "2024-02-02"), names("2024-02-02", "2024-01-01")])
    assert kept == [(0, 0), (0, 1), (1, 1)]
