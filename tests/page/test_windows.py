import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from pneumo_fastai.page.windows import Closed


class Session:
    def __init__(self): self.id, self.ended = 'a', 0
    def shutdown(self): self.ended += 1


def closed(seconds, during=lambda kept, info: None):
    "(what is kept, how often the session was ended) after a window was closed for longer than `seconds`."
    async def run():
        kept, info = Closed(seconds), SimpleNamespace(session=Session())
        kept.save(info)
        assert kept.get('a') is info and kept.list() == [info]
        during(kept, info)
        await asyncio.sleep(.2)
        return kept, info.session.ended
    with ThreadPoolExecutor(1) as other: return other.submit(asyncio.run, run()).result()  # playwright's loop runs in this thread


def test_nobody_need_come_for_a_closed_window_to_be_let_go():
    kept, ended = closed(.05)
    assert kept.get('a') is None and kept.list() == [] and ended == 1


def test_a_window_that_came_back_is_left_alone():
    assert closed(.05, lambda kept, info: kept.delete('a'))[1] == 0


def test_one_that_came_back_and_was_closed_again_has_its_time_anew():
    def again(kept, info):
        kept.delete('a')
        kept.save(SimpleNamespace(session=info.session))
    assert closed(.05, again)[1] == 1


def test_streamlit_keeps_closed_windows_so(monkeypatch):
    server = pytest.importorskip('streamlit.web.server.server', reason='streamlit is not installed')
    from streamlit.runtime.session_manager import SessionStorage

    from pneumo_fastai.page.served import let_go
    monkeypatch.setattr(server, 'MemorySessionStorage', server.MemorySessionStorage)
    let_go()
    assert server.MemorySessionStorage is Closed
    wanted = {name for name, of in vars(SessionStorage).items() if callable(of) and not name.startswith('_')}
    assert wanted == {name for name, of in vars(Closed).items() if callable(of) and not name.startswith('_')} - {'let_go'}
