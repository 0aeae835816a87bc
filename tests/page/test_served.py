import socket

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.page.served import HERE, SCRIPT, SETTINGS, flags, free, in_memory
from pneumo_fastai.page.upload import MEGABYTES


def test_a_taken_port_is_passed_over_or_refused():
    with socket.socket() as s:
        s.bind((HERE, 0))
        s.listen()
        taken = s.getsockname()[1]
        assert free(taken, 20) != taken
        with pytest.raises(InputError, match=f'port {taken} is taken'): free(taken)


@pytest.mark.parametrize('port', [0, -1, 70000])
def test_a_port_that_there_is_not(port):
    with pytest.raises(InputError, match='whole number from 1 to 65535'): free(port)


def test_it_is_told_to_stay_on_this_machine_and_to_ask_nobody():
    assert SETTINGS['server.address'] == HERE == '127.0.0.1' and SETTINGS['browser.gatherUsageStats'] is False and SCRIPT.is_file()


def test_an_upload_stays_in_memory_while_it_arrives(monkeypatch):
    parser = pytest.importorskip('starlette.formparsers', reason='starlette is not installed').MultiPartParser
    monkeypatch.setattr(parser, 'spool_max_size', 2**20)
    in_memory()
    assert parser.spool_max_size > MEGABYTES * 2**20


def test_a_setting_with_several_values_is_several_flags():
    assert flags({'a.b': False, 'c': ('x', 'y'), 'd': 3}) == ['--a.b=false', '--c=x', '--c=y', '--d=3']


def test_streamlit_has_every_setting():
    config = pytest.importorskip('streamlit.config', reason='streamlit is not installed')
    for name in SETTINGS: config.get_option(name)  # raises for one that it has not
