"Streamlit's server, of this page alone: on this machine, told to keep quiet and to ask nobody."
import socket
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from .heat import heat
from .subject import Subject, opened
from .upload import MEGABYTES
from .windows import Closed

HERE, FIRST, TRIED = '127.0.0.1', 8501, 50
SCRIPT = Path(__file__).with_name('script.py')
COLORS = 'primaryColor', 'backgroundColor', 'secondaryBackgroundColor', 'textColor', 'borderColor'  # those of the report
THEMES = dict(light=('#0b5c94', '#ffffff', '#f4f7fa', '#1b2430', '#d9dee5'), dark=('#7db9e8', '#12171d', '#1b232c', '#e4e9ef', '#323c47'))
SETTINGS = {
    'server.address': HERE, 'browser.serverAddress': HERE, 'server.allowedHosts': (HERE, 'localhost'),
    'server.headless': True,  # it opens no browser
    'browser.gatherUsageStats': False, 'server.maxUploadSize': MEGABYTES, 'server.fileWatcherType': 'none', 'server.runOnSave': False,
    'server.enableStaticServing': False, 'server.disconnectedSessionTTL': 10,  # seconds that what a closed window was given is kept
    'client.showErrorDetails': 'none', 'client.showErrorLinks': False, 'client.toolbarMode': 'minimal', 'logger.level': 'error',
    'runner.magicEnabled': False, **{f'theme.{name}.{k}': v for name, theme in THEMES.items() for k, v in zip(COLORS, theme, strict=True)}}


@cache
def subject(folder) -> Subject:
    "`opened`, once for the command and all windows, and warm: a first pass takes a second that nobody should wait for."
    found = opened(folder)
    blank = np.zeros((found.recipe['size'],)*2, np.uint8)
    found.bundle.of_pixels(blank[None])
    heat(found, blank, *found.own_maps[:2])
    return found


def free(port, tried=1) -> int:
    "The first of so many ports from `port` on that nobody listens at; `InputError` where there is none."
    if not 1 <= port < 2**16: raise InputError(f'port is {port}; give a whole number from 1 to {2**16 - 1}')
    for at in range(port, min(port + tried, 2**16)):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that ended a moment ago is free
            try: s.bind((HERE, at))
            except OSError: continue
            return at
    raise InputError(f'port {port} is taken or may not be used; give another with --port, or leave it out')


def in_memory():
    "Uploads stay in memory: Starlette would put what is larger than a megabyte into a temporary file while it arrives."
    from starlette.formparsers import MultiPartParser
    MultiPartParser.spool_max_size = 2 * MEGABYTES * 2**20


def let_go():
    "What a closed window was given is let go after its time."
    from streamlit.web.server import server
    server.MemorySessionStorage = Closed


def serve(folder, port):
    "Until it is interrupted."
    from streamlit.web import cli
    in_memory()
    let_go()
    cli.main(['run', str(SCRIPT), *flags({**SETTINGS, 'server.port': port}), '--', str(folder)], standalone_mode=False)


def flags(settings) -> list[str]:
    "As the command line takes them."
    def text(value): return str(value).lower() if isinstance(value, bool) else str(value)
    return [f'--{k}={text(v)}' for k, values in settings.items() for v in (values if isinstance(values, tuple) else (values,))]
