#!/usr/bin/env python3
"""Draws what a flood of guesses did: `flood.py`'s figures as a picture that is good in the dark.

    figure.py docs/flood.json docs/flood.svg
"""

import json
import sys
from html import escape
from pathlib import Path

WIDTH, LEFT, RIGHT = 760, 250, 110
ROW, BAR = 30, 16
STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #26211c; }
    .head { font-weight: 650; }
    .value { font-variant-numeric: tabular-nums; }
    .faint { fill: #6a6157; }
    .one { fill: #1f6f8b; } .two { fill: #c2571a; } .three { fill: #a9a196; }
    .aim { stroke: #26211c; stroke-dasharray: 3 3; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0e9df; } .faint { fill: #b9ad9f; }
      .one { fill: #6cbcd8; } .two { fill: #f0955c; } .three { fill: #6f675e; }
      .aim { stroke: #f0e9df; }
    }
"""


class Figure:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 8

    def head(self, words: str) -> None:
        self.y += 30
        self.parts.append(f'<text class="head" x="0" y="{self.y}">{escape(words)}</text>')
        self.y += 10

    def bar(self, label: str, parts: list[tuple[str, float]], whole: float, value: str) -> None:
        """A row: its label, its bar of one part or several, and what that is in numbers behind it."""
        scale = (WIDTH - LEFT - RIGHT) / whole
        x, middle = LEFT, self.y + BAR / 2 + 5
        self.parts.append(f'<text x="{LEFT - 12}" y="{middle}" text-anchor="end">{escape(label)}</text>')
        for style, amount in parts:
            width = max(1, amount * scale)
            self.parts.append(f'<rect class="{style}" x="{x:.1f}" y="{self.y}" width="{width:.1f}" height="{BAR}"/>')
            x += width
        self.parts.append(f'<text class="value" x="{x + 8:.1f}" y="{middle}">{escape(value)}</text>')
        self.y += ROW

    def aim(self, at: float, whole: float, rows: int, words: str) -> None:
        """A line across the rows above that says where the aim is."""
        x = LEFT + at * (WIDTH - LEFT - RIGHT) / whole
        top = self.y - rows * ROW
        self.parts.append(f'<line class="aim" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{self.y - 6}"/>')
        self.parts.append(f'<text class="faint" x="{x:.1f}" y="{self.y + 9}" text-anchor="end">{escape(words)}</text>')
        self.y += 14

    def svg(self, title: str) -> str:
        inside = "\n  ".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.y + 8}" role="img" aria-label="{escape(title)}">\n'
            f"  <style>{STYLE}  </style>\n  {inside}\n</svg>\n"
        )


def draw(figures: dict) -> str:
    figure = Figure()
    by = {int(status): number for status, number in figures["guesses_by_status"].items()}
    guesses, rate = figures["guesses"], figures["guesses"] / figures["seconds"]
    figure.head(f"{rate:.0f} guesses a second, ten times what can be verified")
    answers = (("verified, refused", 200, "two"), ("sent away: 429", 429, "one"), ("sent away: 503", 503, "three"))
    for label, status, style in answers:
        share = by.get(status, 0) / guesses
        figure.bar(label, [(style, share)], 1, f"{share:.0%}")
    figure.head("How long a page of somebody signed in takes meanwhile")
    idle, flooded = figures["reads_ms"]["idle"], figures["reads_ms"]["flooded"]
    most = max(2 * idle["p99"], flooded["p99"]) * 1.05
    for which, name in (("median", "half of them"), ("p99", "99 of 100")):
        figure.bar(f"{name}, no flood", [("three", idle[which])], most, f"{idle[which]:.1f} ms")
        figure.bar(f"{name}, in the flood", [("one", flooded[which])], most, f"{flooded[which]:.1f} ms")
    figure.aim(2 * idle["p99"], most, 4, "the aim for 99 of 100: twice as long")
    figure.head("Owners who sign in within two seconds meanwhile")
    for what, owner in figures["owners"].items():
        words = {"known browser": "in a known browser", "new browser": "in a new browser"}.get(what, "an account that nobody guesses at")
        share = owner["in_time"] / owner["tries"]
        figure.bar(words, [("one", share)], 1, f"{owner['in_time']} of {owner['tries']}")
    return figure.svg("What a flood of guesses does to those who are signed in, and to owners of accounts")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    Path(sys.argv[2]).write_text(draw(json.loads(Path(sys.argv[1]).read_text())))
