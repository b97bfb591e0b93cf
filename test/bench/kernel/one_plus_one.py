"""Times `1+1` of two kernels in turn through jupyter_client, the library that nbclient and Jupyter's servers use.

    JUPYTER_PATH=<folder with our kernelspec> python3 test/bench/kernel/one_plus_one.py srft python3

Prints {"srft": {"reply": [ms, …], "idle": [ms, …]}, …}: from the request to its reply, and to idle.
"""

import json
import sys
import time

from jupyter_client.manager import KernelManager

ROUNDS, CELLS, WARM = 5, 60, 20


def start(name):
    manager = KernelManager(kernel_name=name)
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return manager, client


def is_idle(message):
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def wait(get, wanted):
    while not wanted(get(timeout=10)):
        pass


def one(client):
    begin = time.perf_counter()
    asked = client.execute("1+1")
    wait(client.get_shell_msg, lambda message: message["parent_header"].get("msg_id") == asked)
    reply = time.perf_counter()
    wait(client.get_iopub_msg, lambda message: message["parent_header"].get("msg_id") == asked and is_idle(message))
    return 1000 * (reply - begin), 1000 * (time.perf_counter() - begin)


def main():
    running = {name: start(name) for name in sys.argv[1:]}
    figures = {name: {"reply": [], "idle": []} for name in running}
    for _ in range(ROUNDS):
        for name, (_, client) in running.items():
            for cell in range(CELLS):
                reply, idle = one(client)
                if cell >= WARM:
                    figures[name]["reply"].append(reply)
                    figures[name]["idle"].append(idle)
    for manager, client in running.values():
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    print(json.dumps(figures))


main()
