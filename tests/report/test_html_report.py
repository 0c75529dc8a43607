"""The page in a browser: marks, filters, keys, corrections, export, hostile texts, very many documents."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from engine.evaluation.labelled import read_labelled
from engine.report.html_report import write_report
from engine.report.report_document import ReportDocument

INVOICE = "Bakery Ruiz – Invoice\n😀 Total 51.40 EUR, again 51.40. 3 March 2024"
HOSTILE = "</script><script>document.title='run'</script><!-- <img src=http://127.0.0.1:9/x onerror=alert(1)> \0\r\n&amp; \ud800"
HOSTILE_OBJECT = json.dumps({"seller": HOSTILE[:9], "total": 10**19 + 1})
MB = 1_000_000
DOCUMENTS = (
    ReportDocument(
        "invoice",
        INVOICE,
        ['{"seller": "Bakery Ruiz", "title": "Bakery Ruiz – Invoice", "total": 51.40, "due": null, "items": ["bread"]}'],
        {"/0/seller": (0, 11), "/0/title": (0, 21), "/0/total": (30, 35), "/0/items/0": None},
        {"/0/seller": 1.0, "/0/title": 0.9, "/0/total": 0.4, "/0/items/0": 0.1},
        ["/0/items/0"],
        "budget",
    ),
    ReportDocument("عربي", "الاسم: ليلى حسن، العمر 45", ['{"seller": "ليلى حسن"}'], {"/0/seller": (7, 15)}, {"/0/seller": 0.99}),
    ReportDocument("王", "王小明今年28歲。", ['{"seller": "王小明", "total": 28}'], {"/0/seller": (0, 3), "/0/total": (5, 7)}),
    ReportDocument("failed", None, error=("NotInText", "it says <b>nothing</b>")),
    ReportDocument("<img src=x onerror=alert(1)>", HOSTILE, [HOSTILE_OBJECT], {"/0/seller": (0, 9)}),
    ReportDocument(7, "y" * MB, ['{"seller": "y"}', '{"seller": "yy"}'], {"/0/seller": (MB - 1, MB), "/1/seller": (0, 2)}),
)  # fmt: skip


def open_report(page: Page, folder: Path, documents: Iterable[ReportDocument] = DOCUMENTS, **options: Any) -> Path:
    written = write_report(documents, folder / "report.html", **options)
    page.goto(written[0].as_uri())
    page.wait_for_selector("[role=option]")
    return written[0]


def choose(page: Page, name: str) -> None:
    page.locator(".row", has=page.get_by_text(name, exact=True)).click()


def saved(page: Page, button: str) -> Path:
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path())


def count(page: Page) -> str:
    return page.inner_text("#count")


def test_marks_are_the_pieces_of_the_text(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    found = page.eval_on_selector_all("mark", "marks => marks.map(mark => [mark.textContent, mark.dataset.pointers])")
    assert found == [
        ["Bakery Ruiz", "/0/seller\n/0/title"],
        [" – Invoice", "/0/title"],
        ["51.40", "/0/total"],
    ]
    assert page.text_content("#text") == INVOICE
    for name, piece in (("عربي", "ليلى حسن"), ("王", "王小明")):
        choose(page, name)
        assert page.locator("mark").first.text_content() == piece
    choose(page, "7")
    assert page.locator("mark").all_text_contents() == ["yy", "y"]


def test_a_value_and_its_mark_light_up_together(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    page.hover("[data-pointer='/0/total']")
    assert page.locator("mark.lit").all_text_contents() == ["51.40"]
    page.hover("mark.overlap")
    assert page.locator(".value.lit .field").all_text_contents() == ["seller", "title"]
    page.hover("h1")
    assert page.locator(".lit").count() == 0


def test_confidence_is_a_shade_and_badges_say_what_is_wrong(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    shades = page.eval_on_selector_all(
        ".value", "rows => rows.map(row => Number(row.style.getPropertyValue('--shade')))"
    )
    assert shades[2] < shades[1] < shades[0] == 1
    assert page.locator("[data-pointer='/0/seller'] .badge").all_text_contents() == ["100 %"]
    assert page.locator("[data-pointer='/0/items/0'] .badge").all_text_contents() == ["10 %", "cut", "not in the text"]
    choose(page, "failed")
    assert page.text_content(".error") == "NotInText: it says <b>nothing</b>"
    assert "not at hand" in page.inner_text("#text")


@pytest.mark.parametrize(("kind", "names"), [
    ("error", ["failed"]), ("cut", ["invoice"]), ("absent", ["invoice"]), ("doubtful", ["invoice", "failed"]),
])  # fmt: skip
def test_documents_are_filtered_by_what_is_wrong(page: Page, tmp_path: Path, kind: str, names: list[str]) -> None:
    open_report(page, tmp_path)
    page.select_option("#only", kind)
    assert page.locator(".row .name").all_text_contents() == names
    assert count(page) == f"{len(names)} of 6 documents"


def test_search_fields_and_order(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    page.fill("#search", "小明")
    assert page.locator(".row .name").all_text_contents() == ["王"]
    page.fill("#search", "nowhere at all")
    assert count(page) == "0 of 6 documents"
    assert page.inner_text("#title") == "No document"
    page.fill("#search", "")
    page.select_option("#field", "/title")
    assert page.locator(".row .name").all_text_contents() == ["invoice"]
    assert page.text_content("mark") == "Bakery Ruiz – Invoice"
    page.select_option("#field", "")
    page.select_option("#order", "confidence")
    assert page.locator(".row .name").all_text_contents()[:3] == ["failed", "invoice", "عربي"]


def test_keys_move_through_documents_and_doubtful_values(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    page.keyboard.press("j")
    assert page.inner_text("#title") == "عربي"
    page.keyboard.press("k")
    assert page.inner_text("#title") == "invoice"
    at = "document.activeElement.closest('.value').dataset.pointer"
    page.keyboard.press("d")
    assert page.evaluate(at) == "/0/total"
    page.keyboard.press("d")
    assert page.evaluate(at) == "/0/items/0"
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.input_value("#search") == "jk"


def test_corrections_come_out_as_labelled_data_and_as_a_table(page: Page, tmp_path: Path) -> None:
    file = open_report(page, tmp_path)
    assert page.is_disabled("#labelled")
    for pointer, value in (("/0/total", "51.50"), ("/0/items/0", "rye, dark")):
        page.click(f"[data-pointer='{pointer}'] .held")
        page.fill(".editor input", value)
        page.keyboard.press("Enter")
    assert page.locator("mark").all_text_contents() == ["Bakery Ruiz", " – Invoice"]
    page.keyboard.press("r")
    choose(page, "<img src=x onerror=alert(1)>")
    page.keyboard.press("r")
    page.goto(file.as_uri())  # the browser keeps them
    labelled = read_labelled(saved(page, "#labelled"))
    assert [one.id for one in labelled] == ["invoice", "<img src=x onerror=alert(1)>"]
    assert labelled[0].text == INVOICE
    assert labelled[0].answer == [
        {"seller": "Bakery Ruiz", "title": "Bakery Ruiz – Invoice", "total": 51.5, "due": None, "items": ["rye, dark"]}
    ]
    assert labelled[1].answer[0]["total"] == 10**19 + 1
    rows = list(csv.DictReader(io.StringIO(saved(page, "#csv").read_text("utf-8"))))
    assert rows[0] == {
        "document": "invoice", "item": "0", "right": "true", "seller": "Bakery Ruiz", "title": "Bakery Ruiz – Invoice",
        "total": "51.50", "due": "", "items": '["rye, dark"]',
    }  # fmt: skip
    assert len(rows) == 6
    page.click("#undo")
    assert page.locator("mark").count() == 3


def test_objects_are_removed_and_added_and_values_emptied(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    choose(page, "7")
    page.click("text=Remove >> nth=0")
    page.click("text=Add an object")
    assert page.locator(".card").count() == 2
    page.click("[data-pointer='/2/seller'] .held")
    page.fill(".editor input", "20")
    page.keyboard.press("Enter")
    page.click("[data-pointer='/1/seller'] .held")
    page.click("text=No value")
    page.keyboard.press("r")
    (only,) = read_labelled(saved(page, "#labelled"))
    assert only.answer == [{"seller": None}, {"seller": "20"}]


def test_what_is_selected_in_the_text_goes_into_the_value(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    page.click("[data-pointer='/0/due'] .held")
    page.dblclick("mark >> nth=2")
    assert page.input_value(".editor input").startswith("51")


def test_one_answer_a_document_is_an_object(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path, many=False)
    page.keyboard.press("r")
    assert isinstance(read_labelled(saved(page, "#labelled"))[0].answer, dict)


def test_texts_are_shown_and_never_run(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path, title="<b>&$title")
    choose(page, "<img src=x onerror=alert(1)>")
    assert page.title() == "<b>&$title"
    assert page.text_content("#text") == HOSTILE
    assert page.text_content("mark") == "</script>"
    page.keyboard.press("t")
    assert "</script>" in page.inner_text("#table")
    assert page.locator("img, #text script, #cards script, #table script").count() == 0


def test_ten_thousand_documents_are_drawn_as_far_as_they_are_seen(page: Page, tmp_path: Path) -> None:
    documents = (
        ReportDocument(f"d{n}", f"Ann is {n}." + " word" * 200, [f'{{"age": {n}}}'], {"/0/age": (7, 8)})
        for n in range(10_000)
    )
    open_report(page, tmp_path, documents)
    assert count(page) == "10000 of 10000 documents"
    opened = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"10,000 documents open in {opened:.0f} ms")
    assert page.locator(".row").count() < 60
    page.locator("#documents").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    page.wait_for_selector("text=d9999")
    page.keyboard.press("t")
    assert page.locator("tbody tr").count() == 100
    page.locator("#table").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    page.wait_for_function("document.querySelectorAll('tbody tr').length === 200")


def test_larger_jobs_are_several_files_that_lead_to_each_other(page: Page, tmp_path: Path) -> None:
    written = write_report(DOCUMENTS, tmp_path / "report.html", documents_per_file=4)
    assert [path.name for path in written] == ["report.html", "report-2.html"]
    page.goto(written[0].as_uri())
    page.click("text=next documents")
    assert count(page) == "2 of 2 documents"
    page.click("text=previous documents")
    assert count(page) == "4 of 4 documents"


def test_a_report_of_nothing_says_so(page: Page, tmp_path: Path) -> None:
    page.goto(write_report([], tmp_path / "report.html")[0].as_uri())
    assert count(page) == "0 of 0 documents"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 420])
def test_no_serious_fault_of_accessibility(
    context: BrowserContext, axe: str, tmp_path: Path, scheme: Any, width: int
) -> None:
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    open_report(page, tmp_path)
    page.evaluate(axe)
    for view in ("document", "table"):
        if view == "table":
            page.keyboard.press("t")
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []


def test_print_has_the_text_and_not_the_controls(page: Page, tmp_path: Path) -> None:
    open_report(page, tmp_path)
    page.emulate_media(media="print")
    assert page.is_visible("mark >> nth=0")
    assert page.is_hidden("#documents")
    assert page.is_hidden("#search")
