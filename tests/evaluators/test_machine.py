"""Memory and processors within control groups: trees as Linux shows them on the host and inside containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaluators import machine
from evaluators.machine import Limits, group_limits
from tests.processes import python

V2 = "31 23 0:29 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {inside} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)
GIB = 2**30


def tree(root: Path, groups: str, mounts: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_version_2_takes_the_tightest_limit_of_the_group_and_those_above(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/a"
    files = {
        f"{group}/memory.max": f"{4 * GIB}\n",
        f"{group}/memory.current": f"{3 * GIB}\n",
        f"{group}/memory.stat": f"anon 5\ninactive_file {GIB}\n",
        f"{group}/cpu.max": "150000 100000\n",
        f"{group}/b/memory.max": "max\n",
        f"{group}/b/cpu.max": "max 100000\n",
    }
    found = group_limits(tree(tmp_path, "0::/a/b\n", V2, files))
    assert found == Limits(4 * GIB, 2 * GIB, 1.5)


def test_version_2_in_a_container_is_the_root_of_what_is_mounted(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/memory.max": "1000000\n", "sys/fs/cgroup/memory.current": "400000\n"}
    assert group_limits(tree(tmp_path, "0::/\n", V2, files)) == Limits(1_000_000, 600_000, None)


@pytest.mark.parametrize("inside", ["/", "/docker/abc"])
def test_version_1_is_found_from_the_host_and_from_inside_a_container(tmp_path: Path, inside: str) -> None:
    group = "sys/fs/cgroup/memory" + ("/docker/abc" if inside == "/" else "")
    files = {
        f"{group}/memory.limit_in_bytes": f"{GIB}\n",
        f"{group}/memory.usage_in_bytes": f"{GIB // 2}\n",
        f"{group}/memory.stat": f"total_inactive_file {GIB // 4}\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    groups = "4:memory:/docker/abc\n2:cpu,cpuacct:/\n1:name=systemd:/\n"
    found = group_limits(tree(tmp_path, groups, V1.format(inside=inside), files))
    assert found == Limits(GIB, 3 * GIB // 4, 0.5)


def test_no_limit_is_none_in_either_version(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    groups = "4:memory:/\n2:cpu,cpuacct:/\n"
    assert group_limits(tree(tmp_path / "1", groups, V1.format(inside="/"), files)) == Limits()
    assert group_limits(tree(tmp_path / "2", "0::/\n", V2, {})) == Limits()
    assert group_limits(tmp_path / "nothing") == Limits()


def test_what_is_there_is_no_more_than_the_group_may_have(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/memory.max": "1000000",
        "sys/fs/cgroup/memory.current": "0",
        "sys/fs/cgroup/cpu.max": "50000 100000",
        "proc/meminfo": "MemTotal: 8 kB\nMemAvailable: 512 kB\n",
    }
    root = tree(tmp_path, "0::/\n", V2, files)
    assert machine.memory_bytes(root) == 1_000_000
    assert machine.free_bytes(root) == 512 * 1024
    assert machine.cpus(root) == 1
    assert (machine.memory_bytes() or 0) > 0 and (machine.free_bytes() or 0) > 0 and machine.cpus() >= 1


def test_a_real_control_group_counts() -> None:
    """Needs the right to make one (root in most containers has it under version 1)."""
    own = [
        line.split(":", 2)[2]
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        if ":memory:" in line
    ]
    group = Path(f"/sys/fs/cgroup/memory{own[0] if own else ''}") / f"nascale-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(GIB))
    except OSError as error:
        pytest.skip(f"no memory control group can be made here ({error.strerror})")
    code = (
        f"open('{group}/cgroup.procs', 'w').write('0')\n"
        "from evaluators import machine\nprint(machine.memory_bytes(), machine.free_bytes())"
    )
    try:
        total, free = map(int, python("-c", code).stdout.split())
    finally:
        group.rmdir()
    assert total == GIB and 0 < free <= GIB


@pytest.mark.parametrize(
    ("groups", "files", "wanted"),
    [
        ("0::/a\n", {"sys/fs/cgroup/a/memory.events": "low 0\noom 4\noom_kill 3\n"}, 3),
        ("0::/a\n", {"sys/fs/cgroup/a/memory.current": "5\n"}, 9),
        (
            "4:memory:/docker/abc\n0::/\n",
            {"sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"},
            2,
        ),
        ("", {}, 9),
    ],
)
def test_the_kernel_s_kills_are_counted_by_the_group_else_by_the_machine(
    tmp_path: Path, groups: str, files: dict[str, str], wanted: int
) -> None:
    machine_s = {"proc/vmstat": "nr_free_pages 7\noom_kill 9\n"}
    mounts = V2 if groups.startswith("0::/a") else V1.format(inside="/docker/abc")
    root = tree(tmp_path, groups, mounts, files | machine_s)
    assert machine.kernel_kills(root) == wanted
    (root / "proc/vmstat").unlink()
    assert machine.kernel_kills(root) == (None if wanted == 9 else wanted)
