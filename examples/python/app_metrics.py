"""Measures calls of a model from Python, with prometheus_client: the decorator that everyone writes,
with what it usually gets wrong done right.

    @tracked("/v1/chat/completions")
    async def chat(request): ...          # coroutine, function, generator or async generator

- One counter of requests with their outcome; errors, latencies and tokens have its labels, so that
  ratios can be computed.
- The gauge of requests under way goes down however a request ends.
- Latency is observed always: requests that time out are the ones that matter.
- A client that leaves (CancelledError, GeneratorExit) is an outcome of its own, with the tokens so far.
- Exceptions go on as they are, and are told apart by type and status.
- Streams are measured as they are consumed: time to first token, time per token.
- Model and tenant are the request's, not the decorator's; what clients write mints no labels.
- The buckets go to an hour.
"""
import asyncio
import contextlib
import functools
import inspect
import time

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

DURATION = (.05, .1, .25, .5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1800, 3600)
FIRST_TOKEN = (.001, .005, .01, .025, .05, .1, .15, .25, .4, .6, .8, 1, 1.2, 1.5, 2, 3, 4, 5, 7.5, 10,
               15, 30, 60, 300)
PER_TOKEN = (.001, .0025, .005, .01, .015, .02, .03, .04, .05, .075, .1, .15, .2, .3, .5, 1, 2.5)
MAX_TENANTS = 50


class AppMetrics:
    """The app_* series. One a process; `models` are those that become labels."""

    def __init__(self, models, registry=REGISTRY):
        self.models = frozenset(models)
        self.tenants = set()
        request = ["model_name", "tenant_id", "endpoint"]
        pair = ["model_name", "tenant_id"]
        self.requests = Counter("app_requests", "Requests that ended.", [*request, "outcome"],
                                registry=registry)
        self.errors = Counter("app_request_errors", "Requests that failed, by outcome.",
                              ["model_name", "error_type", "http_status"], registry=registry)
        self.concurrent = Gauge("app_concurrent_requests", "Requests being answered.",
                                ["model_name"], registry=registry)
        self.duration = Histogram("app_request_duration_seconds", "Duration of a request.", request,
                                  buckets=DURATION, registry=registry)
        self.first_token = Histogram("app_time_to_first_token_seconds",
                                     "From its begin to the first token.", request,
                                     buckets=FIRST_TOKEN, registry=registry)
        self.per_token = Histogram("app_time_per_output_token_seconds",
                                   "Time per output token after the first.", request,
                                   buckets=PER_TOKEN, registry=registry)
        self.input = Counter("app_input_tokens", "Prompt tokens, cached ones too.", pair,
                             registry=registry)
        self.output = Counter("app_output_tokens", "Completion tokens.", pair, registry=registry)

    def labels(self, model, tenant):
        if tenant not in self.tenants and len(self.tenants) < MAX_TENANTS:
            self.tenants.add(tenant)
        return (model if model in self.models else "other",
                tenant if tenant in self.tenants else "other")


def outcome_of(status):
    if status < 400:
        return "ok"
    return {429: "rate_limited", 499: "client_cancel", 503: "overload",
            504: "upstream_timeout"}.get(status, "invalid" if status < 500 else "upstream_error")


def has_content(chunk):
    """Whether a piece of a stream brings what a person waits for. OpenAI's chunks may be a role or
    usage alone; what has no choices is content."""
    def member(value, name):
        return value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    choices = member(chunk, "choices")
    if choices is None:
        return member(chunk, "usage") is None
    parts = [member(choice, "delta") or choice for choice in choices]
    return any(member(part, name) for part in parts
               for name in ("content", "text", "reasoning_content", "reasoning", "tool_calls"))


class Request:
    """One request, as a context manager: observes when it is left, however that happens."""

    def __init__(self, metrics, model, endpoint, tenant="default", clock=time.perf_counter):
        self.metrics, self.endpoint, self.clock = metrics, endpoint, clock
        self.model, self.tenant = metrics.labels(model, tenant)
        self.status = 200
        self.tokens = 0
        self.first = self.last = None
        self.usage = None

    def __enter__(self):
        self.began = self.clock()
        self.metrics.concurrent.labels(self.model).inc()
        return self

    def token(self, count=1):
        if not count:
            return
        self.last = self.clock()
        if self.first is None:
            self.first = self.last
        self.tokens += count

    def take_usage(self, answer):
        """Of an answer that is a dict or an object; absent or null usage is not zero."""
        usage = answer.get("usage") if isinstance(answer, dict) else getattr(answer, "usage", None)
        if usage is not None:
            self.usage = usage

    def _used(self, *names):
        for name in names:
            value = self.usage.get(name) if isinstance(self.usage, dict) else \
                getattr(self.usage, name, None)
            if isinstance(value, int):
                return value
        return 0

    def __exit__(self, kind, error, _):
        if kind is None:
            outcome = outcome_of(self.status)
        elif issubclass(kind, (asyncio.CancelledError, GeneratorExit)):
            outcome, self.status = "client_cancel", 499
        else:
            self.status = getattr(error, "status_code", None) or (
                504 if issubclass(kind, TimeoutError) else 500)
            outcome = outcome_of(self.status)
        self._observe(outcome)
        return False  # the exception goes on

    def _observe(self, outcome):
        metrics, labels = self.metrics, (self.model, self.tenant, self.endpoint)
        metrics.concurrent.labels(self.model).dec()
        metrics.requests.labels(*labels, outcome).inc()
        if outcome != "ok":
            metrics.errors.labels(self.model, outcome, str(self.status)).inc()
        metrics.duration.labels(*labels).observe(self.clock() - self.began)
        output = self._used("completion_tokens", "output_tokens") if self.usage else self.tokens
        if self.first is not None:
            metrics.first_token.labels(*labels).observe(self.first - self.began)
            if output > 1 and self.last > self.first:
                metrics.per_token.labels(*labels).observe((self.last - self.first) / (output - 1))
        if output:
            metrics.output.labels(self.model, self.tenant).inc(output)
        if self.usage:
            metrics.input.labels(self.model, self.tenant).inc(
                self._used("prompt_tokens", "input_tokens"))


def tracked(metrics, endpoint, who=lambda *args, **kwargs: ("other", "default")):
    """Decorates a function, coroutine, generator or async generator. `who(*args, **kwargs)` is the
    request's model and tenant: from credentials that were checked, never from the import's time."""

    def decorate(function):
        def begin(args, kwargs):
            model, tenant = who(*args, **kwargs)
            return Request(metrics, model, endpoint, tenant)

        if inspect.isasyncgenfunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                with begin(args, kwargs) as request:
                    async with contextlib.aclosing(function(*args, **kwargs)) as chunks:
                        async for chunk in chunks:
                            request.token(has_content(chunk))
                            request.take_usage(chunk)
                            yield chunk
        elif inspect.isgeneratorfunction(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                with begin(args, kwargs) as request:
                    for chunk in function(*args, **kwargs):
                        request.token(has_content(chunk))
                        request.take_usage(chunk)
                        yield chunk
        elif inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **kwargs):
                with begin(args, kwargs) as request:
                    answer = await function(*args, **kwargs)
                    request.take_usage(answer)
                    return answer
        else:
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                with begin(args, kwargs) as request:
                    answer = function(*args, **kwargs)
                    request.take_usage(answer)
                    return answer
        return wrapper
    return decorate
