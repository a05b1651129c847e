"""The doctor before planted machines and clusters."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dual_process import doctor, doctor_slurm
from dual_process.config import Config, load_config
from dual_process.doctor import (
    check_compiler,
    check_disk,
    check_python,
    check_shared,
    check_torch,
    file_system,
    read_settings,
)
from dual_process.doctor_slurm import check_slurm
from tests.tiny import configuration, tiny_config

ROOT = Path(__file__).parents[1]
MOUNTS = """21 1 254:0 / / rw,relatime - ext4 /dev/root rw
22 21 0:20 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
23 22 0:21 / /home/me/with\\040space rw - tmpfs tmpfs rw
24 21 0:22 / /scratch rw - lustre 10.0.0.1@o2ib:/scratch rw"""


def verdicts(findings):
    return [finding.verdict for finding in findings]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "nfs4"),
        ("/homework", "ext4"),
        ("/scratch/a/b", "lustre"),
        ("/home/me/with space/x", "tmpfs"),
    ],
)
def test_the_file_system_is_that_of_the_deepest_mount(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    ("kind", "needed", "verdict"),
    [
        ("nfs4", True, "ok"),
        ("fuse.sshfs", True, "ok"),
        ("ext4", True, "warn"),
        ("ext4", False, "ok"),
        ("", True, "warn"),
    ],
)
def test_results_of_a_cluster_should_lie_where_all_nodes_see_them(tmp_path, monkeypatch, kind, needed, verdict):
    monkeypatch.setattr(doctor, "file_system", lambda path: kind)
    assert verdicts(check_shared(tmp_path / "not" / "yet", needed=needed)) == [verdict]


@pytest.mark.parametrize(("free", "verdict"), [(1e15, "ok"), (1e5, "warn"), (10, "do")])
def test_free_space_is_held_against_what_the_grid_needs(tmp_path, monkeypatch, free, verdict):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(doctor, "disk_space", lambda settings: (5e-5, 2e-4))
    (finding,) = check_disk(tmp_path / "results" / "tiny", load_config(configuration()))
    assert finding.verdict == verdict
    assert str(tmp_path / "results") in finding.text


def test_packages_are_held_against_the_pins(tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.write_text((ROOT / "constraints.txt").read_text())
    (finding,) = check_python(pins)
    assert finding.verdict == "ok", str(finding)
    pins.write_text("numpy==1.0\nnot-installed-here==2.0\n")
    (finding,) = check_python(pins)
    assert finding.verdict == "warn"
    assert "numpy" in finding.text
    assert "for 1.0" in finding.text
    assert "not-installed-here" not in finding.text


def test_a_missing_dependency_is_to_be_installed(tmp_path, monkeypatch):
    (tmp_path / "constraints.txt").write_text("numpy==1.0\n")
    monkeypatch.setattr(doctor, "requires", lambda name: ["zarr>=3", "no-such-package<2", 'mypy-no; extra == "test"'])
    (finding,) = check_python(tmp_path / "constraints.txt")
    assert (finding.verdict, finding.text.split()[0]) == ("do", "no-such-package")


@pytest.mark.parametrize(("devices", "gpu", "verdict"), [(0, True, "warn"), (0, False, "ok"), (2, True, "ok")])
def test_torch_says_what_it_sees(monkeypatch, devices, gpu, verdict):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"H{index}")
    (finding,) = check_torch(gpu=gpu)
    assert finding.verdict == verdict
    assert ("H0, H1" in finding.text) == (devices == 2)


def test_a_missing_torch_is_no_crash(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert verdicts(check_torch(gpu=False)) == ["do"]


@pytest.mark.parametrize(("missing", "verdict"), [([], "ok"), (["the C++ compiler g++"], "do")])
@pytest.mark.parametrize("what", ["training", "probing"])
def test_what_is_compiled_needs_a_compiler(monkeypatch, missing, verdict, what):
    monkeypatch.setattr(doctor, "missing_tools", lambda: missing)
    blocks = {"training": {"cohort_size": 1}}
    blocks[what] = blocks.get(what, {}) | {"compile": True}
    (finding,) = check_compiler(tiny_config(**blocks))
    assert finding.verdict == verdict
    assert all(name in finding.text for name in missing)


@pytest.mark.parametrize("training", [{"compile": False}, {"compile": True, "gpus": 1}])
def test_where_nothing_is_compiled_no_compiler_is_needed(monkeypatch, training):
    monkeypatch.setattr(doctor, "missing_tools", lambda: ["the C++ compiler g++"])
    assert list(check_compiler(tiny_config(training=training, probing={"compile": "gpus" in training}))) == []


def test_settings_are_merged_as_snakemake_does():
    settings = read_settings(
        [ROOT / "config/config.yaml", ROOT / "config/ci.yaml"], [{"config": ["training={cohort_size: 32, threads: 4}"]}]
    )
    assert (settings.scale, settings.training.steps, settings.training.cohort_size) == ("ci", 60, 32)
    assert settings.models["bert"].heads == 1


@pytest.mark.parametrize("name", ["slurm", "slurm-gpu"])
def test_the_profiles_set_no_resources_so_that_those_of_the_site_count(name):
    site = ROOT / "workflow/profiles/site.example.yaml"
    example, profile = doctor.read_profiles(str(ROOT / "workflow/profiles" / name), str(site))
    assert set(example) == {"default-resources", "set-resources"}
    assert not set(example) & set(profile)
    default = doctor.read_profiles(str(ROOT / "workflow/profiles/default"), "")[0]
    assert default.items() <= profile.items()  # Snakemake reads one workflow profile only
    assert not {"slurm-array-jobs", "groups"} & set(profile)
    assert profile["slurm-status-command"] == "squeue"
    assert 3 * profile["slurm-init-seconds-before-status-checks"] <= 300


CLUSTER = {
    "sinfo": "printf '%s\\n' 'cpu*|1-00:00:00|(null)' 'cpu*|1-00:00:00|gpu:a100:4(S:0-1)' 'short|1:00:00|gpu:t4:1'",
    "scontrol": "echo 'MinJobAge               = 300 sec'",
    "sacct": "true",
    "squeue": "true",
    "sbatch": "true",
    "scancel": "true",
    "srun": "true",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Return a function that plants the commands of a cluster, with some changed or, if None, left out."""
    monkeypatch.delenv("SLURM_CONF", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)

    def plant(**changes):
        for name, script in (CLUSTER | changes).items():
            if script is not None:
                (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
                (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return plant


def found(profile, *, gpu=False):
    return {finding.check: finding for finding in check_slurm({"executor": "slurm", **profile}, gpu=gpu)}


OFF = {"sacct": "exit 1"}
SQUEUE = {"slurm-status-command": "squeue", "slurm-init-seconds-before-status-checks": 60}


def test_a_usual_cluster_gives_no_cause(cluster):
    cluster()
    findings = found(SQUEUE)
    assert {finding.verdict for finding in findings.values()} == {"ok"}, [str(each) for each in findings.values()]
    assert "sacct answers" in findings["job status"].text


@pytest.mark.parametrize(
    ("changes", "profile", "gpu", "check", "verdict", "words"),
    [
        ({}, {"slurm-status-command": "sacct"}, False, "job status", "ok", "sacct answers"),
        (OFF, {"slurm-status-command": "sacct"}, False, "job status", "do", "wait for ever; set slurm-status-command"),
        (OFF, {}, False, "job status", "do", "sacct does not answer"),  # the plugin's own default
        (OFF, SQUEUE, False, "job status", "warn", "put workflow/cluster/bin first in PATH"),
        ({"sacct": None}, {}, False, "job status", "ok", "there is no sacct"),
        (OFF | {"scontrol": "echo 'MinJobAge = 90 sec'"}, SQUEUE, False, "job status", "do", "MinJobAge is 90 s"),
        ({"sacct": "exit 1 # squeue"}, SQUEUE, False, "job status", "ok", "squeue answers in its place"),
        ({}, SQUEUE | {"default-resources": {"slurm_partition": "x"}}, False, "partition", "do", "one of: cpu, short"),
        ({}, SQUEUE | {"default-resources": {"slurm_partition": "short"}}, False, "partition", "warn", "allows 60 min"),
        ({}, SQUEUE, True, "gpu, train_cohort", "ok", "gpu:a100:4"),
        (
            {},
            SQUEUE | {"set-resources": {"train_cohort": {"slurm_partition": "short", "gpu_model": "a100"}}},
            True,
            "gpu, train_cohort",
            "do",
            "asks for gpu:a100, but partition 'short' offers gpu:t4:1",
        ),
        (  # a file from before probing asked for a GPU
            {"sinfo": "printf '%s\\n' 'cpu*|infinite|(null)' 'gpus|infinite|gpu:a100:4'"},
            SQUEUE | {"set-resources": {"train_cohort": {"slurm_partition": "gpus"}}},
            True,
            "gpu, probe_cohort",
            "do",
            "'cpu' offers nothing of the kind; under probe_cohort in a copy of site.example.yaml, set slurm_partition",
        ),
        ({"sinfo": "echo 'cpu*|infinite|(null)'"}, SQUEUE, True, "gpu, train_cohort", "do", "nothing of the kind"),
        ({"sinfo": "echo 'no controller' >&2; exit 1"}, SQUEUE, False, "slurm", "do", "no controller"),
        ({"sbatch": None}, SQUEUE, False, "slurm", "do", "sbatch not found"),
        ({"sbatch": None}, {"executor": "local"}, False, "slurm", "ok", "not needed"),
    ],
)
def test_what_is_off_is_named(cluster, changes, profile, gpu, check, verdict, words):
    cluster(**changes)
    finding = found(profile, gpu=gpu)[check]
    assert (finding.verdict, words in finding.text) == (verdict, True), str(finding)


@pytest.mark.parametrize(
    ("srun", "place", "verdict"),
    [
        ("true", "/opt/slurm.conf", "do"),
        ("SLURM_CONF=/opt/slurm.conf exec /usr/bin/srun", "/opt/slurm.conf", "ok"),
        ("true", "/etc/slurm/slurm.conf", "ok"),
    ],
)
def test_a_configuration_that_jobs_would_lose_is_seen(cluster, monkeypatch, srun, place, verdict):
    cluster(srun=srun)
    monkeypatch.setenv("SLURM_CONF", place)
    assert found(SQUEUE)["slurm.conf"].verdict == verdict


def test_a_start_from_within_a_job_is_seen(cluster, monkeypatch):
    cluster()
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert found(SQUEUE)["place of start"].verdict == "warn"


def test_a_missing_plugin_is_seen(cluster, monkeypatch):
    cluster()
    monkeypatch.setattr(doctor_slurm, "PLUGIN", "no-such-plugin")
    assert found(SQUEUE)["plugin"].verdict == "do"


def test_a_scheduler_that_hangs_is_given_up(cluster, monkeypatch):
    cluster(sinfo="exec /bin/sleep 60")
    run = doctor_slurm.subprocess.run
    monkeypatch.setattr(doctor_slurm.subprocess, "run", lambda *a, **k: run(*a, **k | {"timeout": 0.2}))
    assert found(SQUEUE)["slurm"].text == "sinfo fails: sinfo gives no answer within 5 s"


def test_a_job_writes_what_its_node_is_like(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    text = load_config(configuration()).model_dump_json(exclude={"protocols": {"reference", "corrected"}})
    doctor.report(Config.model_validate_json(text), tmp_path / "doctor.txt")  # as the rule passes it on
    first, *rest = (tmp_path / "doctor.txt").read_text().splitlines()
    assert first == f"SLURM job 12 on {os.uname().nodename}"
    assert [line[:4].strip() for line in rest if "torch" in line]


def test_a_wrong_configuration_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "wrong.yaml").write_text("training: {steps: many}")
    monkeypatch.chdir(ROOT)
    assert doctor.main(["--configfile", str(tmp_path / "wrong.yaml")]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("do    configuration: config: key 'training.steps' is 'many'")


def test_the_exit_code_tells_whether_there_is_something_to_do(monkeypatch, capsys, cluster):
    cluster()
    monkeypatch.chdir(ROOT)
    assert doctor.main(["--configfile", "config/ci.yaml", "--profile", "slurm"]) == 0
    cluster(sacct="exit 1", scontrol="echo MinJobAge=5")
    assert doctor.main(["--configfile", "config/ci.yaml", "--profile", "slurm"]) == 1
    assert "do    job status" in capsys.readouterr().out
