"""HTML to PDF by WeasyPrint (docs/decisions/): the same page, its figures still vectors."""

from __future__ import annotations

from spondyl.adapters.extras import ExtraMissingError


def to_pdf(page: str) -> bytes:
    """The page as PDF; nothing is fetched, everything stands in the page.

    Raises:
        ExtraMissingError: WeasyPrint, or Pango that it draws text with, is not installed.
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:  # OSError: Pango, a system library, is not there
        raise ExtraMissingError("WeasyPrint (with the system library Pango)", "study") from error
    return bytes(HTML(string=page, url_fetcher=_refuse).write_pdf())


def _refuse(url: str) -> dict[str, object]:
    raise ValueError(f"the report asks for {url}, but everything has to stand in the page")
