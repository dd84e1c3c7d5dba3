"""The console script."""

import signal


def run() -> None:
    """Load the commands and run one."""
    # While nothing has begun, Ctrl-C ends us without a word, and without a traceback.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from setpoint.app.cli.commands import run

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    run()
