"""A study's report for whoever signs it: a page, a Word document, a workbook, figures.

The report is a function of the study's folder: nothing is computed anew, and nothing else is read.
"""

from locator.report.pictures import FIGURE_FILES
from locator.report.write import write_report

__all__ = ["FIGURE_FILES", "write_report"]
