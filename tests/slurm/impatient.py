"""Snakemake that looks at its SLURM jobs every second, so that tests do not wait; all else is as users have it."""

import asyncio
import signal

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def look_again_soon(executor: RemoteExecutor) -> None:
    """Wait a second, whatever the plugin asks for."""
    await asyncio.sleep(1)


RemoteExecutor.sleep = look_again_soon
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
main()
