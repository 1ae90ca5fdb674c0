"""One window for each home: a lock says who is first, a local socket asks the first to come forward."""

from hashlib import sha256
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.files import make_folder

_ANSWER_MS = 2000


class Instance(QObject):
    """Whether this process is the first for a home; `asked` when a later one was started."""

    asked = Signal()

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = f"alcove-{sha256(str(home).encode()).hexdigest()[:16]}"
        self._server: QLocalServer | None = None
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)
        self.is_first = self._take_lock(home)
        if self.is_first:
            self._listen()

    def raise_first(self) -> bool:
        """Ask the first window to come forward; False where it did not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        heard = socket.waitForConnected(_ANSWER_MS)
        socket.disconnectFromServer()
        return heard

    def close(self) -> None:
        """Make room for the next first one."""
        if self._server is not None:
            self._server.close()
        if self.is_first:
            self._lock.unlock()

    def _take_lock(self, home: Path) -> bool:
        """A home that cannot be written cannot be locked: the window opens, and the backend says what is wrong."""
        try:
            make_folder(home)
        except OSError:
            return True
        return self._lock.tryLock(0) or self._lock.error() is not QLockFile.LockError.LockFailedError

    def _listen(self) -> None:
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        self._server.listen(self._name)

    def _on_connection(self) -> None:
        socket = self._server.nextPendingConnection() if self._server is not None else None
        if socket is not None:
            socket.deleteLater()
            self.asked.emit()
