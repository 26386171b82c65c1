"""Runs a command on a terminal of its own, types a line when it asks for a passphrase, and prints what it printed."""

import os
import pty
import sys
import termios
import time

line, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
printed, typed = b"", False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    printed += piece
    if not typed and b"Passphrase" in printed:
        # A person types later than the terminal stops to show it.
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)
        os.write(terminal, line.encode() + b"\n")
        typed = True
sys.stdout.buffer.write(printed)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
