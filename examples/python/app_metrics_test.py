"""What the decorator counts. Without prometheus_client it is only compiled."""
import asyncio
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
try:
    import prometheus_client
except ImportError:
    compile((HERE / "app_metrics.py").read_text(), "app_metrics.py", "exec")
    print("skipped: prometheus_client is not installed")
    sys.exit(77)
sys.path.insert(0, str(HERE))
import app_metrics  # noqa: E402

USAGE = {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}


class Busy(Exception):
    status_code = 429


class TrackedTest(unittest.TestCase):
    def setUp(self):
        self.registry = prometheus_client.CollectorRegistry()
        self.metrics = app_metrics.AppMetrics(["m"], self.registry)

    def tracked(self, function):
        return app_metrics.tracked(self.metrics, "/v1/chat/completions",
                                   lambda *_, **__: ("m", "t"))(function)

    def outcome(self, outcome):
        labels = {"model_name": "m", "tenant_id": "t", "endpoint": "/v1/chat/completions"}
        self.assertEqual(self.registry.get_sample_value("app_concurrent_requests",
                                                        {"model_name": "m"}), 0)
        self.assertEqual(self.registry.get_sample_value("app_request_duration_seconds_count",
                                                        labels), 1)
        return self.registry.get_sample_value("app_requests_total", {**labels, "outcome": outcome})

    def value(self, name):
        return self.registry.get_sample_value(name, {"model_name": "m", "tenant_id": "t"})

    def test_a_function_keeps_its_name_and_its_answer(self):
        def ask(prompt):
            """Asks."""
            return dict(USAGE, prompt=prompt)
        wrapped = self.tracked(ask)
        self.assertEqual((wrapped.__name__, wrapped.__doc__), ("ask", "Asks."))
        self.assertEqual(wrapped("x")["prompt"], "x")
        self.assertEqual(self.outcome("ok"), 1)
        self.assertEqual(self.value("app_input_tokens_total"), 7)
        self.assertEqual(self.value("app_output_tokens_total"), 3)

    def test_null_usage_does_not_turn_success_into_failure(self):
        self.assertEqual(self.tracked(lambda: {"usage": None})(), {"usage": None})
        self.assertEqual(self.outcome("ok"), 1)

    def test_an_exception_goes_on_and_is_counted_by_its_status(self):
        def ask():
            raise Busy
        with self.assertRaises(Busy):
            self.tracked(ask)()
        self.assertEqual(self.outcome("rate_limited"), 1)
        self.assertEqual(self.registry.get_sample_value("app_request_errors_total", {
            "model_name": "m", "error_type": "rate_limited", "http_status": "429"}), 1)

    def test_a_coroutine_that_is_cancelled_is_a_client_that_left(self):
        async def ask():
            await asyncio.Event().wait()

        async def run():
            task = asyncio.create_task(self.tracked(ask)())
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
        asyncio.run(run())
        self.assertEqual(self.outcome("client_cancel"), 1)

    def test_a_stream_is_measured_as_it_is_consumed(self):
        async def stream():
            yield {"choices": [{"delta": {"role": "assistant", "content": ""}}]}
            for _ in range(4):
                yield {"choices": [{"delta": {"content": "x"}}]}
            yield dict(USAGE, choices=[])

        async def run():
            return [chunk async for chunk in self.tracked(stream)()]
        self.assertEqual(len(asyncio.run(run())), 6)
        self.assertEqual(self.outcome("ok"), 1)
        self.assertEqual(self.value("app_output_tokens_total"), 3)  # usage knows better than chunks

    def test_a_stream_that_is_left_has_the_tokens_so_far(self):
        def stream():
            for _ in range(100):
                yield "token"
        chunks = self.tracked(stream)()
        for _ in range(5):
            next(chunks)
        chunks.close()
        self.assertEqual(self.outcome("client_cancel"), 1)
        self.assertEqual(self.value("app_output_tokens_total"), 5)

    def test_models_that_nobody_knows_are_no_labels(self):
        with app_metrics.Request(self.metrics, "typo", "/v1/embeddings", "t") as request:
            request.status = 404
        self.assertEqual(self.registry.get_sample_value("app_requests_total", {
            "model_name": "other", "tenant_id": "t", "endpoint": "/v1/embeddings",
            "outcome": "invalid"}), 1)


if __name__ == "__main__":
    unittest.main()
