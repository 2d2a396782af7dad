"""The results as a plot: readings a second of each engine, on a logarithmic scale. Readable on light and dark pages."""

import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP, BAR, GAP = 760, 210, 90, 46, 22, 10

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; } .axis { fill: #57606a; font-size: 11px; }
.grid { stroke: #d0d7de; } .bar { fill: #8c959f; } .lehr { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .axis { fill: #8d96a0; } .grid { stroke: #3d444d; } .bar { fill: #6e7681; } .lehr { fill: #4493f8; }
}
"""


def bars(results):
    shown = [result for result in results if result.get("readings_per_s") and "windows" in result]
    decades = _decades([result["readings_per_s"] for result in shown])
    height = TOP + len(shown) * (BAR + GAP) + 30
    bottom = height - 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-label="Readings a second of each engine">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="22">Window job, readings a second on two cores (logarithmic)</text>',
    ]
    for decade in range(decades[0], decades[1] + 1):
        x = _x(10**decade, decades)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>')
        parts.append(f'<text class="axis" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_short(10**decade)}</text>')
    for row, result in enumerate(shown):
        parts += _bar(row, result, decades)
    return "\n".join([*parts, "</svg>", ""])


def _bar(row, result, decades):
    y = TOP + row * (BAR + GAP)
    end = _x(result["readings_per_s"], decades)
    middle = y + BAR / 2 + 4.5
    kind = "lehr" if result["engine"] == "Lehr" else "bar"
    name = escape(f"{result['engine']}, {result['rate_hz']} Hz")
    return [
        f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{name}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" rx="3"/>',
        f'<text x="{end + 8:.1f}" y="{middle}">{_short(result["readings_per_s"])}</text>',
    ]


def _decades(rates):
    """The powers of ten below the least and above the greatest."""
    return math.floor(math.log10(min(rates)) - 1e-9), math.ceil(math.log10(max(rates)))


def _x(rate, decades):
    share = (math.log10(rate) - decades[0]) / (decades[1] - decades[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _short(rate):
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if rate >= unit:
            return f"{rate / unit:.3g}{name}"
    return f"{rate:.0f}"
