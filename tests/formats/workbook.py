"""Reads a workbook with openpyxl and prints the cells of each sheet, and how it is set up, as JSON."""

import json
import sys

from openpyxl import load_workbook

book = load_workbook(sys.argv[1])
print(
    json.dumps(
        {
            sheet.title: {
                "rows": [["" if cell.value is None else cell.value for cell in row] for row in sheet.iter_rows()],
                "types": sorted({cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}),
                "frozen": sheet.freeze_panes,
                "filter": sheet.auto_filter.ref,
            }
            for sheet in book.worksheets
        }
    )
)
