"""The machine, the ratios and the table; as a program, the page and the plot from the results."""

import argparse
import json
import os
import platform
import string
import subprocess
from pathlib import Path

import plot

HERE = Path(__file__).parent


def machine():
    """The machine in words."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr if _has_java() else "none"
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "java": java.splitlines()[0] if java else "none",
    }


def _has_java():
    return any((Path(folder) / "java").exists() for folder in os.environ.get("PATH", "").split(":"))


def with_ratios(results):
    """Adds how many times an engine's readings a second Lehr has at the same rate of the sensors."""
    lehr = {result["rate_hz"]: result.get("readings_per_s") for result in results if result["engine"] == "Lehr"}
    for result in results:
        ours, theirs = lehr.get(result["rate_hz"]), result.get("readings_per_s")
        if ours and theirs:
            result["lehr_is_times"] = ours / theirs
    return results


def table(document):
    """The results as a Markdown table."""
    lines = [
        "| engine | version | sensors | readings | job, median | readings/s | Lehr is | start-up |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join(lines + [_line(result) for result in document["results"]])


def _line(result):
    name, rate = result["engine"], f"{result['rate_hz']} Hz"
    for word in ("skipped", "failed"):
        if word in result:
            reason = result[word].splitlines()[-1] if result[word] else "no reason given"
            return f"| {name} | | {rate} | | {word}: {reason} | | | |"
    startup = sorted(result["startup_s"])[len(result["startup_s"]) // 2]
    ratio = f"{_short(result['lehr_is_times'])} ×" if "lehr_is_times" in result else ""
    return (
        f"| {name} | {result['version']} | {rate} | {result['readings']:,} | {result['median_s']:.2f} s "
        f"| {result['readings_per_s'] / 1e6:.3g} M | {ratio} | {startup:.1f} s |"
    )


def _short(ratio):
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def page(document):
    """The page about the comparison."""
    template = string.Template((HERE / "page.md").read_text())
    worst = max(result.get("worst_difference", 0.0) for result in document["results"])
    return template.substitute(
        document["machine"],
        table=table(document),
        readings=f"{document['readings']:,}",
        prefix=f"{document['prefix']:,}",
        worst=f"{worst:.0e}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--docs", type=Path, required=True, help="folder for peers.md and peers.svg")
    args = parser.parse_args()
    document = json.loads(args.results.read_text())
    args.docs.mkdir(exist_ok=True)
    (args.docs / "peers.md").write_text(page(document))
    (args.docs / "peers.svg").write_text(plot.bars(document["results"]))


if __name__ == "__main__":
    main()
