"""An hour of a small fleet as OpenMetrics text, for `strata import text`: three layers by their
canonical names, and a fault in the last ten minutes that shows in all of them."""
import math

STEP = 15
BOUNDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
MODELS = ["llama-70b", "qwen-32b"]


class History:
    def __init__(self, now, span=3600, nodes=3, gpus=4):
        self.times = range(now - span, now, STEP)
        self.fault = now - 600
        self.families = {}
        for n in range(nodes):
            self.node(n, gpus)
        for n in range(nodes):
            self.engine(n)
        for i, model in enumerate(MODELS):
            self.application(i, model)

    def add(self, name, kind, labels, value):
        """`value(t)` is a gauge's value, or a counter's growth a second."""
        rows = self.families.setdefault(name, (kind, []))[1]
        text = ",".join(f'{k}="{v}"' for k, v in labels.items())
        total = 0.0
        for t in self.times:
            total = total + value(t) * STEP if kind == "counter" else value(t)
            rows.append(f"{name}{{{text}}} {total:.6g} {t}")

    def histogram(self, name, labels, rate, median):
        rows = self.families.setdefault(name, ("histogram", []))[1]
        text = ",".join(f'{k}="{v}"' for k, v in labels.items())
        counts, total, count = [0.0] * len(BOUNDS), 0.0, 0.0
        for t in self.times:
            middle = median(t)
            for i, bound in enumerate(BOUNDS):
                counts[i] += rate * STEP / (1 + (bound / middle) ** -3)
                rows.append(f'{name}_bucket{{{text},le="{float(bound)}"}} {counts[i]:.3f} {t}')
            count += rate * STEP
            total += rate * STEP * middle
            rows.append(f'{name}_bucket{{{text},le="+Inf"}} {count:.3f} {t}')
            rows.append(f"{name}_sum{{{text}}} {total:.3f} {t}")
            rows.append(f"{name}_count{{{text}}} {count:.3f} {t}")

    def faulty(self, n, t):
        return n == 1 and t >= self.fault

    def node(self, n, gpus):
        place = {"job": "agent", "instance": f"node-{n}:9400", "node": f"node-{n}"}
        for g in range(gpus):
            gpu = place | {"gpu": g, "uuid": f"GPU-{n}{g}"}
            hot = g == 2
            self.add("gpu_utilization_ratio", "gauge", gpu, lambda t: 0.7 + 0.2 * math.sin(t / 300 + n))
            self.add("gpu_memory_used_bytes", "gauge", gpu, lambda t: 60e9 + 5e9 * math.sin(t / 900))
            self.add("gpu_memory_total_bytes", "gauge", gpu, lambda t: 80e9)
            self.add("gpu_temperature_celsius", "gauge", gpu,
                     lambda t: 92 if hot and self.faulty(n, t) else 66 + n)
            self.add("gpu_power_watts", "gauge", gpu, lambda t: 500 + 50 * math.sin(t / 300))
            self.add("gpu_power_limit_watts", "gauge", gpu, lambda t: 700)
            self.add("gpu_xid_errors_total", "counter", gpu | {"xid": 79},
                     lambda t: 0.01 if hot and self.faulty(n, t) else 0)
        self.add("node_memory_MemTotal_bytes", "gauge", place, lambda t: 5e11)
        self.add("node_memory_MemAvailable_bytes", "gauge", place, lambda t: 3e11)
        self.add("node_cpu_seconds_total", "counter", place | {"cpu": 0, "mode": "idle"},
                 lambda t: 0.6 + 0.1 * math.sin(t / 200 + n))

    def engine(self, n):
        place = {"job": "vllm", "instance": f"node-{n}:8000", "node": f"node-{n}",
                 "model_name": MODELS[n % 2], "engine_kind": "vllm"}
        self.add("llm_requests_running", "gauge", place, lambda t: round(20 + 8 * math.sin(t / 240)))
        self.add("llm_requests_waiting", "gauge", place, lambda t: 64 if self.faulty(n, t) else 1)
        self.add("llm_kv_cache_usage_ratio", "gauge", place,
                 lambda t: 0.99 if self.faulty(n, t) else 0.6)
        self.add("llm_generation_tokens_total", "counter", place, lambda t: 900)
        self.add("llm_prompt_tokens_total", "counter", place, lambda t: 2500)
        self.histogram("llm_time_to_first_token_seconds", place, 5,
                       lambda t: 3.5 if self.faulty(n, t) else 0.3)
        self.histogram("llm_inter_token_latency_seconds", place, 300, lambda t: 0.03)

    def application(self, i, model):
        place = {"job": "gateway", "instance": "gateway:9000", "model_name": model,
                 "tenant_id": f"tenant-{i}"}
        failing = lambda t: 0.8 if i == 1 and t >= self.fault else 0.001
        self.add("app_requests_total", "counter", place | {"outcome": "ok"}, lambda t: 10)
        self.add("app_requests_total", "counter", place | {"outcome": "error"}, failing)
        self.add("app_output_tokens_total", "counter", place, lambda t: 2000)
        self.add("app_cost_usd_total", "counter", place, lambda t: 0.01)
        self.histogram("app_time_to_first_token_seconds", place, 5, lambda t: 0.4)

    def text(self):
        lines = []
        for name, (kind, rows) in self.families.items():
            lines.append(f"# TYPE {name.removesuffix('_total')} {kind}")
            lines.extend(rows)
        return "\n".join(lines) + "\n# EOF\n"
