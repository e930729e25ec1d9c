"""Files of results, and every report that is made of one that can be read."""

import json
from dataclasses import asdict

from scalpel_rt.report import read, tables
from scalpel_rt.report.html import page
from scalpel_rt.report.results import FORMAT, VERSION
from tests.report.sample import entry, results

from ._nets import refused_or


def seeds():
    whole = asdict(results())
    small = {**whole, "entries": [asdict(entry()), asdict(entry("simd", 2e-4, 0.9))]}
    return [json.dumps({"format": FORMAT, "version": VERSION, **made}).encode()
            for made in (whole, small, *({**small, part: []} for part in ("entries", "skipped", "refused", "notes")))]


def once(data, scratch):
    path = scratch / "results.json"
    path.write_bytes(data)
    held = refused_or(read, path)
    if held is not None:
        for made in (tables.text(held, 100, layers=True), tables.markdown(held), tables.csv_text(held), page(held)):
            assert isinstance(made, str)
