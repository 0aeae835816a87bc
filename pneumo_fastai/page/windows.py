"What a window that was closed was given: kept for a while, should it come back, and then let go."
import asyncio
import gc

from ..memory import give_back


class Closed:
    """The sessions of closed windows, as Streamlit's `SessionStorage` has them. Streamlit's own lets one go when another window opens or
    closes, which may be never."""
    def __init__(self, ttl_seconds): self.seconds, self.kept = ttl_seconds, {}

    def get(self, session_id): return self.kept.get(session_id)
    def list(self): return list(self.kept.values())
    def delete(self, session_id): del self.kept[session_id]

    def save(self, session_info):
        self.kept[session_info.session.id] = session_info
        asyncio.get_running_loop().call_later(self.seconds, self.let_go, session_info)

    def let_go(self, info):
        "Unless it came back."
        if self.kept.get(info.session.id) is not info: return
        del self.kept[info.session.id]
        info.session.shutdown()
        asyncio.get_running_loop().call_later(1, tidy)  # its thread has ended by then


def tidy():
    gc.collect()
    give_back()
