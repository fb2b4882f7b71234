"""What `./dev up --with-sim --scenario engine-hang` shows: an engine of the simulated fleet hangs, a
phone rings, its link takes the incident, and the incident ends when the engine is well again.

The files are those of examples/, with other ports, and the scenario's times are shorter. How long it
took is printed and decides nothing, for this machine may be busy: bench/paging.py measures it.
"""
import time

from harness import BINARY, EndToEndTest, Process, ROOT, Strata, free_port, http_request, main, wait_until
from sim_test import Sim

SCENARIO = "faults: [{fault: engine-hang, at: 45s, for: 75s, node: 1, engine: 0}]\n"


class MockPhone(Process):
    """`strata mock-phone`."""

    def __init__(self, directory, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([BINARY, "mock-phone", f"--listen=127.0.0.1:{self.port}"], directory, "phone")
        wait_until(lambda: http_request(self.url + "/").status == 200, "the phone")

    def calls(self, kind=None):
        return [call for call in http_request(self.url + "/calls").json()
                if kind in (None, call["kind"])]


class EngineHang(EndToEndTest):
    def example(self, name, ports):
        """examples/NAME with other ports, in this test's directory."""
        text = (ROOT / "examples" / name).read_text()
        for old, new in ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_it_ends_in_a_call_that_a_link_acknowledges(self):
        scenario = f"{self.directory}/scenario.yml"
        with open(scenario, "w", encoding="utf-8") as file:
            file.write(SCENARIO)
        phone = self.start(MockPhone(self.directory))
        sim = self.start(Sim(self.directory, "--nodes=2", f"--scenario={scenario}"))
        ports = {9500: sim.port, 9600: phone.port}
        strata = self.start(Strata(self.directory, arguments=[
            f"--config.file={self.example('sim.yml', ports)}",
            f"--strata.config={self.example('sim-strata.yml', ports)}",
            f"--alertmanager.config.file={self.example('sim-alertmanager.yml', ports)}",
            "--rules.builtin=auto"]))

        fault = wait_until(lambda: [one for one in sim.get("/scenario").json()["faults"]
                                    if one["active"]], "the fault", timeout=120)[0]
        began = time.time()
        call = wait_until(lambda: phone.calls("phone"), "the call", timeout=90)[0]
        print(f"{fault['fault']}: called {call['at'] / 1000 - began:.1f} s after it began")
        schedules = strata.get("/api/v1/oncall").json()["data"]["schedules"]
        self.assertEqual(call["to"], schedules[0]["now"]["person"])
        self.assertIn("P0: LLMEngineHung", call["text"])

        incident = self.incidents(strata)[0]
        self.assertEqual((incident["priority"], incident["status"]), ("P0", "open"))
        self.assertEqual(http_request(call["ack_url"], b"", "POST").status, 200)
        taken = self.incidents(strata)[0]
        self.assertEqual((taken["status"], taken["acknowledgedBy"]), ("acknowledged", call["to"]))
        wait_until(lambda: not self.incidents(strata), "the engine to be well", timeout=180)
        over = wait_until(lambda: [c for c in phone.calls("chat") if c["text"].startswith("resolved")],
                          "the chat to hear of it", timeout=60)
        self.assertIn("LLMEngineHung", over[0]["text"])
        self.assertEqual(len(phone.calls("phone")), 1, "one incident, one call")
        whole = strata.get(f"/api/v1/incidents/{incident['id']}").json()["data"]
        self.assertEqual((whole["status"], whole["resolvedBy"]), ("resolved", "strata"))

    def incidents(self, strata):
        return strata.get("/api/v1/incidents").json()["data"]["incidents"]


if __name__ == "__main__":
    main()
