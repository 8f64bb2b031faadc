"""The study report as files: a page that needs nothing else, its PDF, CSV tables and vector figures."""

from __future__ import annotations

from spondyl.adapters.study_pages.page import to_html
from spondyl.adapters.study_pages.pdf import to_pdf
from spondyl.adapters.study_pages.write import write_report

__all__ = ["to_html", "to_pdf", "write_report"]
