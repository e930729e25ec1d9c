"""A table as a piece of HTML, for notebooks."""

from html import escape


def page_part(header, rows, right, text):
    """A <table> with ``text`` below it; columns in ``right`` are flushed right."""
    def line(cells, tag):
        made = "".join(f'<{tag} style="text-align: {"right" if i in right else "left"}">{escape(str(cell))}</{tag}>'
                       for i, cell in enumerate(cells))
        return f"<tr>{made}</tr>"

    return (f'<table><thead>{line(header, "th")}</thead><tbody>{"".join(line(row, "td") for row in rows)}</tbody>'
            f'</table><pre>{escape(text)}</pre>')
