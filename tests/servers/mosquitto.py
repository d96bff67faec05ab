"""mosquitto, without authentication, on the loopback interface."""

from tests.servers.base import Server, program


class Mosquitto(Server):
    """An MQTT broker."""

    label = "mosquitto"

    def prepare(self) -> None:
        """Write its settings."""
        (self.folder / "conf").write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")

    def command(self) -> list[str]:
        """Run in the foreground."""
        return [program("mosquitto"), "-c", str(self.folder / "conf")]
