"""A one-node SLURM on the loopback interface, as root, that touches nothing outside its own folder.

Needs Debian's slurm-wlm and munge; with accounting also the MariaDB server, slurmdbd and its MySQL plugin, installed
or unpacked into a folder. The node poses as larger than it is and has two GPUs that are only files.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CPUS = 16
COMMANDS = ("slurmctld", "slurmd", "munged", "munge", "sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
"""What the packages slurm-wlm and munge bring."""

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=100000
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MinJobAge=300
KillWait=20
SlurmdParameters=config_overrides
GresTypes=gpu
DefMemPerCPU=500
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=64000 \
Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=1440 DefaultTime=5 PriorityTier=10 State=UP
PartitionName=scavenge Nodes={host} MaxTime=1440 DefaultTime=5 PriorityTier=1 PreemptMode=REQUEUE State=UP
"""
WITHOUT_ACCOUNTING = "AccountingStorageType=accounting_storage/none\n"
WITH_ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={database_port}
AccountingStoragePass={folder}/munge.sock
AccountingStorageTRES=gres/gpu
"""
DATABASE_CONFIGURATION = """AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={database_port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
PluginDir={library}/slurm-wlm:{unpacked}{library}/slurm-wlm
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadb_port}
StorageUser=slurm
StoragePass=x
StorageLoc=accounting
"""
DATABASE_PACKAGES = (
    *("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server", "mariadb-server-core", "mariadb-client"),
    *("mariadb-client-core", "mariadb-common", "mysql-common", "libmariadb3", "libaio1", "liburing2", "libwrap0"),
    "galera-4",
)
LIBRARY = f"/usr/lib/{os.uname().machine}-linux-gnu"


class Cluster:
    """A running cluster.

    Parameters
    ----------
    folder
        Folder of its own for configuration, state and logs; its path must be short enough for a socket.
    database
        None for a cluster without accounting; else the root under which MariaDB and slurmdbd are unpacked, ``/`` if
        they are installed.
    """

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self.folder, self.database = folder, database
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.host = socket.gethostname().split(".")[0]
        self.environment = os.environ | {
            "SLURM_CONF": f"{folder}/slurm.conf",
            "PATH": f"{folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def start(self) -> None:
        """Start all daemons and wait until the node is idle."""
        for name in ("state", "spool", "bin", "log"):
            (self.folder / name).mkdir(parents=True)
        self._configure()
        (self.folder / "munge.key").touch(mode=0o600)
        (self.folder / "munge.key").write_bytes(os.urandom(1024))
        names = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munged.pid", "seed-file": "munge.seed"}
        options = [f"--{key}={self.folder}/{name}" for key, name in names.items()]
        self._daemon(["munged", "--foreground", "--force", *options, f"--log-file={self.folder}/munged.log"])
        self._wait("munged", lambda: self._succeeds("munge", "-S", str(self.folder / "munge.sock"), "-n"))
        if self.database:
            self._start_database()
        self._daemon(["slurmctld", "-D", "-c"])
        self._daemon(["slurmd", "-D", "-N", self.host])
        self._wait("the node", lambda: self.query("sinfo", "-h", "-p", "cpu", "-o", "%T") == "idle")

    def stop(self) -> None:
        """Cancel all jobs, then end each daemon by its process id, and whatever a job has left behind."""
        self._succeeds("scancel", "--user", "root")
        time.sleep(0.5)
        for process in reversed(self.daemons):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for identifier in self._leftovers():
            os.kill(identifier, signal.SIGKILL)

    def query(self, *command: str) -> str:
        """Standard output of a SLURM command, stripped; empty if it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else ""

    def _configure(self) -> None:
        ports = [socket.socket() for _ in range(4)]
        for each in ports:
            each.bind(("127.0.0.1", 0))
        values = dict(
            zip(
                ("controller_port", "node_port", "database_port", "mariadb_port"),
                (each.getsockname()[1] for each in ports),
                strict=True,
            )
        )
        for each in ports:
            each.close()
        unpacked = "" if self.database in (None, Path("/")) else self.database
        self.values = values | {"folder": self.folder, "host": self.host, "cpus": CPUS}
        self.values |= {"library": LIBRARY, "unpacked": unpacked}
        text = CONFIGURATION + (WITH_ACCOUNTING if self.database else WITHOUT_ACCOUNTING)
        (self.folder / "slurm.conf").write_text(text.format(**self.values))
        for name in ("gpu0", "gpu1"):  # a GPU that is counted but has no file drains the node
            (self.folder / name).touch()
        (self.folder / "gres.conf").write_text(f"NodeName={self.host} Name=gpu File={self.folder}/gpu[0-1]\n")
        # the executor's job step drops SLURM_CONF from the environment before it calls srun
        wrapper = self.folder / "bin" / "srun"
        srun = shutil.which("srun")
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {srun} "$@"\n')
        wrapper.chmod(0o755)

    def _start_database(self) -> None:
        root, folder = self.database, self.folder
        assert root is not None
        library = os.environ.get("LD_LIBRARY_PATH", "")
        self.environment["LD_LIBRARY_PATH"] = f"{root}{LIBRARY}:{library}" if root != Path("/") else library
        base = ["--no-defaults", f"--basedir={root}/usr", f"--datadir={folder}/mysql", "--user=root"]
        install = [f"{root}/usr/bin/mariadb-install-db", *base, "--auth-root-authentication-method=normal"]
        (folder / "mysql").mkdir()
        subprocess.run(
            [*install, "--skip-test-db", "--force"],
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        options = [f"--lc-messages-dir={root}/usr/share/mysql", f"--plugin-dir={root}/usr/lib/mysql/plugin"]
        options += [f"--socket={folder}/mysql.sock", f"--pid-file={folder}/mysqld.pid", "--bind-address=127.0.0.1"]
        options += ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        self._daemon([f"{root}/usr/sbin/mariadbd", *base, *options, f"--port={self.values['mariadb_port']}"])
        users = [f"'slurm'@'{host}'" for host in ("127.0.0.1", "localhost")]
        statements = [f"create user {user} identified by 'x'; grant all on accounting.* to {user};" for user in users]
        client = [f"{root}/usr/bin/mariadb", "--no-defaults", "-uroot", "-S", f"{folder}/mysql.sock", "-e"]
        create = f"create database if not exists accounting; {' '.join(statements)}"
        self._wait("mariadbd", lambda: self._succeeds(*client, create))
        configuration = folder / "slurmdbd.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(DATABASE_CONFIGURATION.format(**self.values))
        self._daemon([f"{root}/usr/sbin/slurmdbd", "-D"])
        self._wait("slurmdbd", lambda: self._succeeds("sacctmgr", "-n", "show", "cluster"))
        for what in (["cluster", "test"], ["account", "lab", "cluster=test"], ["user", "root", "account=lab"]):
            self._succeeds("sacctmgr", "-i", "add", *what)

    def _daemon(self, command: Sequence[str]) -> None:
        with (self.folder / "log" / f"{Path(command[0]).name}.out").open("w") as log:
            self.daemons.append(
                subprocess.Popen(
                    command,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _succeeds(self, *command: str) -> bool:
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not start; see {self.folder}")
            time.sleep(0.1)

    def _leftovers(self) -> list[int]:
        """Processes that still have this cluster's SLURM_CONF in their environment, as jobs have."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = path.read_bytes()
            except OSError:
                continue
            identifier = int(path.parent.name)
            if f"{self.folder}/slurm.conf".encode() in environment and identifier != os.getpid():
                found.append(identifier)
        return found


def unpack_database(folder: Path) -> Path | None:
    """Root under which MariaDB and slurmdbd lie: ``/`` if installed, else `folder` after unpacking the packages there.

    Returns
    -------
    Path or None
        None if they can be had in neither way.
    """
    if shutil.which("slurmdbd") and shutil.which("mariadbd"):
        return Path("/")
    if not shutil.which("apt-get"):
        return None
    download = ["apt-get", "download", "-qq", *DATABASE_PACKAGES]
    if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
        return None
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package.name, "root"], cwd=folder, check=True)
    return folder / "root"
