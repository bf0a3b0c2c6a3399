"""The worker process behind `offload.InWorker`.

    python -m syncd.node.worker [SECONDS]

Standard input brings pickled (work, args), standard output takes
(True, what it returned) or (False, what it raised). It ends with its input,
so also when its parent is killed, and when nothing comes for so long: there is
nothing to clean up.
"""

import gc
import os
import pickle
import select
import signal
import sys


def main() -> None:
    """Answer calls until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our parent's to handle
    # A run makes many tuples and no cycles: looking for some costs a tenth.
    gc.set_threshold(200_000)
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not get between the answers
    idle_s = float(sys.argv[1]) if sys.argv[1:] else None
    while select.select([calls], [], [], idle_s)[0]:
        try:
            work, args = pickle.load(calls)  # noqa: S301 (from our parent)
        except EOFError:
            return
        try:
            answer = True, work(*args)
        except Exception as e:  # noqa: BLE001 (raised again over there)
            answer = False, e
        del work, args
        try:
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
