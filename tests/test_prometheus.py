"""Each "alert when" has a rule that fires, and the dashboard shows something."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.alliance import free_port
from tests.cases import ROOT, slow
from tests.demo.test_demo import made_up, write_list
from tests.test_docs import METRICS

PROMETHEUS = ROOT / "examples" / "prometheus"
RULES, TESTS = PROMETHEUS / "syncd.rules.yml", PROMETHEUS / "syncd.tests.yml"
DASHBOARD = json.loads((PROMETHEUS / "grafana.json").read_text())
NAME = re.compile(r"\bsyncd_[a-z0-9_]+")
needs_prometheus = pytest.mark.skipif(
    not shutil.which("promtool") and not os.environ.get("CI"),
    reason="no promtool on this machine: Debian's prometheus has it",
)


def rules() -> Any:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def metrics(text: str) -> set[str]:
    """Return the names of metrics in an expression, as documented."""
    tail = re.compile(r"_(total|bucket|count|sum)$")
    return {tail.sub("", name) for name in NAME.findall(text)}


def expressions() -> list[str]:
    return [t["expr"] for p in DASHBOARD["panels"] for t in p["targets"]]


def promtool(*arguments: str | Path) -> str:
    """Return what promtool complains of, "" if of nothing."""
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_each_alert_when_has_a_rule() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(
        r"^\| `(syncd_\w+)` \|[^|]*\|[^|]*\| (.*) \|$", text, re.MULTILINE
    )
    wanted = {name for name, when in rows if when.strip()}
    assert len(wanted) > 10
    assert wanted <= {m for rule in rules() for m in metrics(rule["expr"])}


def test_each_metric_that_is_asked_for_is_there() -> None:
    asked = [*expressions(), *(rule["expr"] for rule in rules())]
    assert {m for text in asked for m in metrics(text)} <= {
        f"syncd_{name}" for name in METRICS
    }


def test_one_screen_of_eight_panels() -> None:
    panels = DASHBOARD["panels"]
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    assert len(panels) == len(places) == 8
    assert max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) <= 18


@slow
@needs_prometheus
def test_the_rules_fire_where_they_must() -> None:
    assert promtool("check", "rules", RULES) == ""
    assert promtool("test", "rules", TESTS) == ""


def test_each_rule_is_tried() -> None:
    """Where it must fire, and beside what it must leave alone."""
    tried = {t["name"]: t for t in yaml.safe_load(TESTS.read_text())["tests"]}
    assert tried.keys() == {rule["alert"] for rule in rules()}
    for name, test in tried.items():
        assert len(test["input_series"]) > 1, name
        [expected] = test["promql_expr_test"]
        assert expected["exp_samples"], name


# ------------------------------------------------------------ the dashboard


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """The demo as it runs: what demo.json says of each member."""
    data = write_list(tmp_path / "data.csv", *made_up(20))
    where = tmp_path / "demo"
    command = [sys.executable, "-m", "syncd", "demo", "--dir", str(where)]
    with subprocess.Popen(
        [*command, "--data", str(data)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "demo.json" in line:
                break
        yield json.loads((where / "demo.json").read_text())
        running.terminate()


class Prometheus:
    """A server that scrapes the demo's members every second."""

    def __init__(self, path: Path, members: Any) -> None:
        self.at = f"127.0.0.1:{free_port()}"
        scrapes = [
            {
                "job_name": m["id"],
                "authorization": {"credentials_file": m["token_file"]},
                "static_configs": [{"targets": [m["own_url"][7:]]}],
            }
            for m in members
        ]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": scrapes,
        }
        (path / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={path / 'prometheus.yml'}",
                f"--storage.tsdb.path={path / 'tsdb'}",
                f"--web.listen-address={self.at}",
                "--log.level=error",
            ]
        )

    def get(self, path: str, **query: str) -> Any:
        url = f"http://{self.at}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def until(self, expr: str) -> Any:
        """Return what an expression gives as soon as it gives something."""
        for _ in range(120):
            try:
                if found := self.get("query", query=expr)["result"]:
                    return list(found)
            except OSError:
                pass
            time.sleep(0.5)
        return []

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def look_up(member: Any) -> None:
    """Have a member asked for something, so that there is a time to show."""
    item = {"kind": "url", "value": "http://shop1.example.net/login"}
    request = urllib.request.Request(
        f"{member['own_url']}/v1/lookups",
        json.dumps({"purpose": "test", "items": [item]}).encode(),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {Path(member['token_file']).read_text().strip()}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@needs_prometheus
@slow
@pytest.mark.timeout(400)
def test_the_dashboard_over_the_demo(tmp_path: Path, demo: Any) -> None:
    """Each expression gives numbers, and no rule is broken or fires."""
    server = Prometheus(tmp_path, demo)
    try:
        assert server.until(f"sum(up) == {len(demo)}")
        assert server.until("min(count_over_time(syncd_appending[1m])) > 3")
        for expr in expressions():
            look_up(demo[0])
            # What is no number is what nothing was measured of.
            assert server.until(f"({expr}) > -Inf"), expr
        [group] = server.get("rules")["groups"]
        assert {r["health"] for r in group["rules"]} == {"ok"}
        assert {r["state"] for r in group["rules"]} == {"inactive"}
    finally:
        server.stop()
