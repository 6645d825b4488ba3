"""Kernels that have their imports behind them: a process imports what most notebooks import, and forks a
kernel from it whenever it is asked for one. A hundred notebooks start in a second each instead of in ten.

The package itself is not among the imports: each kernel brings it from wherever its notebook would."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

# Not pyplot, nor its inline backend: they have to meet the kernel they draw for.
IMPORTS = """numpy scipy.stats scipy.signal scipy.optimize pandas sklearn.linear_model sklearn.metrics
    sklearn.manifold matplotlib.figure matplotlib.backends.backend_agg soundfile soxr torch
    torch.nn.functional ipywidgets ipykernel.kernelapp ipykernel.ipkernel ipykernel.zmqshell"""


def serve(place):
    "Import, say so, and answer requests (what a kernel is told, and its folder)."
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel would have it
    for name in IMPORTS.split():
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel here
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen()
        print("ready", flush=True)
        while True:
            asking, _ = door.accept()
            told = json.loads(asking.makefile().readline())
            if os.fork() == 0:
                door.close()
                become(asking, **told)
            asking.close()


def become(asking, words, folder):
    "Be a kernel. The open socket tells whoever asked how long it lives."
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(folder)
    asking.sendall(f"{os.getpid()}\n".encode())
    threading.Thread(target=lambda: asking.recv(1) or os._exit(1), daemon=True).start()  # gone is who asked
    import pandas
    from ipykernel.kernelapp import launch_new_instance

    pandas.set_option("display.max_columns", 20)  # it had taken the process that forked for a terminal
    sys.argv = ["ipykernel", *words]
    launch_new_instance()
    os._exit(0)


def ask(place, connection, *settings):
    "Stand for a kernel: ask for it, pass signals on to it, and end when it ends."
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(place)
        line.sendall(
            json.dumps({"words": ["-f", connection, *settings], "folder": os.getcwd()}).encode() + b"\n"
        )
        answer = line.makefile()
        pid = int(answer.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        answer.read()


@contextlib.contextmanager
def kernels(folder, environment):
    """The folder of a kernel's specification; as long as the context lasts there is a process that makes such
    kernels. `folder` takes its socket, too."""
    place, spec = str(Path(folder) / "door"), Path(folder) / "kernels" / "warm" / "kernel.json"
    spec.parent.mkdir(parents=True)
    words = [sys.executable, "-S", "-E", __file__, place, "{connection_file}"]
    spec.write_text(json.dumps({"argv": words, "display_name": "warm", "language": "python"}))
    command = [sys.executable, __file__, place]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=folder, text=True) as server:
        try:
            if server.stdout.readline() != "ready\n":
                raise RuntimeError("the process that makes kernels did not start")
            yield spec.parent.parent
        finally:
            server.kill()


if __name__ == "__main__":
    serve(*sys.argv[1:]) if len(sys.argv) == 2 else ask(*sys.argv[1:])
