// Every handler, asked over HTTP: what it answers to the letter, where that is short.
#include "api/api_for_test.h"
#include "dashboards/annotations.h"

namespace strata::api {
namespace {

struct Case {
  std::string_view target;
  std::string_view body;
  int status = 200;
};

class HandlersTest : public ApiTest {
 protected:
  void check(std::initializer_list<Case> cases) {
    for (const auto& one : cases) {
      const auto response = ask(one.target);
      EXPECT_EQ(response.status, one.status) << one.target << " " << response.body;
      EXPECT_EQ(response.body, one.body) << one.target;
    }
  }
  void check_errors(std::initializer_list<std::pair<std::string_view, std::string_view>> cases) {
    for (const auto& [target, message] : cases) {
      const auto response = ask(target);
      EXPECT_EQ(response.status, 400) << target << " " << response.body;
      EXPECT_TRUE(response.body.contains(R"("errorType":"bad_data")")) << response.body;
      EXPECT_TRUE(response.body.contains(message)) << target << " " << response.body;
    }
  }
};

TEST_F(HandlersTest, Query) {
  check({
      {"/api/v1/query?query=1%2B1&time=4",
       R"({"status":"success","data":{"resultType":"scalar","result":[4,"2"]}})"},
      {"/api/v1/query?query=%22a%22&time=1.5",
       R"({"status":"success","data":{"resultType":"string","result":[1.500,"a"]}})"},
      {"/api/v1/query?query=up",
       R"({"status":"success","data":{"resultType":"vector","result":[)"
       R"({"metric":{"__name__":"up","instance":"x","job":"a"},"value":[1700000000,"1"]},)"
       R"({"metric":{"__name__":"up","instance":"y","job":"b"},"value":[1700000000,"0"]}]}})"},
      {"/api/v1/query?query=up&limit=1",
       R"({"status":"success","data":{"resultType":"vector","result":[)"
       R"({"metric":{"__name__":"up","instance":"x","job":"a"},"value":[1700000000,"1"]}]},)"
       R"("warnings":["results truncated due to limit"]})"},
      {"/api/v1/query?query=up{job=%22a%22}[20s]",
       R"({"status":"success","data":{"resultType":"matrix","result":[)"
       R"({"metric":{"__name__":"up","instance":"x","job":"a"},)"
       R"("values":[[1699999985,"0"],[1700000000,"1"]]}]}})"},
      {"/api/v1/query?query=up&time=1600000000",
       R"({"status":"success","data":{"resultType":"vector","result":[]}})"},
      {"/api/v1/query?query=upp",
       R"({"status":"success","data":{"resultType":"vector","result":[]},)"
       R"("infos":["no series is named \"upp\" (1:1); did you mean \"up\"?"]})"},
  });
  const auto refused = ask("/api/v1/query?query=up%2Bon()up");
  EXPECT_EQ(refused.status, 422);
  EXPECT_TRUE(refused.body.contains(R"("errorType":"execution","error":"found duplicate series)"));
  check_errors({{"/api/v1/query", R"(invalid parameter \"query\": )"},
                {"/api/v1/query?query=up&time=x", R"(invalid parameter \"time\")"},
                {"/api/v1/query?query=up&timeout=x", R"(invalid parameter \"timeout\")"},
                {"/api/v1/query?query=up&lookback_delta=x", R"(\"lookback_delta\")"},
                {"/api/v1/query?query=up&limit=x", R"(invalid parameter \"limit\")"},
                {"/api/v1/query?query=up{", "parse error"}});
}

TEST_F(HandlersTest, QueryRange) {
  check({
      {"/api/v1/query_range?query=sum(http_requests_total)&start=1699999970&end=1700000000&step=15",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[)"
       R"([1699999970,"30"],[1699999985,"60"],[1700000000,"90"]]}]}})"},
      {"/api/v1/query_range?query=up&start=1700000000&end=1700000000&step=1m&limit=1",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{)"
       R"("__name__":"up","instance":"x","job":"a"},"values":[[1700000000,"1"]]}]},)"
       R"("warnings":["results truncated due to limit"]})"},
  });
  check_errors({
      {"/api/v1/query_range?query=up", R"(invalid parameter \"start\")"},
      {"/api/v1/query_range?query=up&start=2&end=1&step=1", "end timestamp must not be before"},
      {"/api/v1/query_range?query=up&start=1&end=2", R"(invalid parameter \"step\")"},
      {"/api/v1/query_range?query=up&start=1&end=2&step=0", "zero or negative"},
      {"/api/v1/query_range?query=up&start=1&end=12000&step=1", "exceeded maximum resolution"},
      {"/api/v1/query_range?query=up[5m]&start=1&end=2&step=1", "invalid expression type"},
  });
}

TEST_F(HandlersTest, StatisticsWhereAskedFor) {
  const auto stats = body("/api/v1/query?query=up&stats=true");
  EXPECT_TRUE(stats.contains(R"("stats":{"timings":{"evalTotalTime":0,"resultSortTime":0,)"
                             R"("queryPreparationTime":0,"innerEvalTime":0,"execQueueTime":0,)"
                             R"("execTotalTime":0},"samples":{"totalQueryableSamples":2,)"
                             R"("samplesRead":2,"peakSamples":)"))
      << stats;
  EXPECT_TRUE(body("/api/v1/query?query=up&stats=yes").contains("is deprecated"));
  const auto by_step = body(
      "/api/v1/query_range?query=sum_over_time(up[30s])&stats=all&start="
      "1699999970&end=1700000000&step=15");
  EXPECT_TRUE(by_step.contains(
      R"("totalQueryableSamplesPerStep":[[1699999970,4],[1699999985,4],[1700000000,4]])"))
      << by_step;
  const auto analyzed = body("/api/v1/query?query=sum(up)&stats=analyze");
  EXPECT_TRUE(analyzed.contains(R"({"expr":"up","depth":1,"series":2,"samples":2,)")) << analyzed;
}

TEST_F(HandlersTest, FormsAreReadLikeQueries) {
  const net::Headers form{{"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_TRUE(ask("/api/v1/query", "POST", form, "query=count(up)&time=1700000000")
                  .body.contains(R"("value":[1700000000,"2"])"));
  EXPECT_TRUE(ask("/api/v1/labels", "POST", form, "match[]=up")
                  .body.contains(R"("data":["__name__","instance","job"])"));
}

TEST_F(HandlersTest, Expressions) {
  check({
      {"/api/v1/format_query?query=sum+by+(job)(up)",
       R"-({"status":"success","data":"sum by (job) (up)"})-"},
      {"/api/v1/parse_query?query=-1",
       R"({"status":"success","data":{"type":"numberLiteral","val":"-1"}})"},
      // Grafana's probe, with milliseconds for seconds.
      {"/api/v1/query_exemplars?query=test&start=1700000000000&end=1700000060000",
       R"({"status":"success","data":[]})"},
  });
  check_errors({{"/api/v1/format_query", R"(invalid parameter \"query\")"},
                {"/api/v1/parse_query?query=a+b", "parse error"},
                {"/api/v1/query_exemplars?query=up&start=x", R"(invalid parameter \"start\")"}});
}

TEST_F(HandlersTest, ExemplarsOfTheSelectedSeries) {
  const auto add = [&](std::string_view code, std::string_view id, double v, TimestampMs t) {
    const tsdb::NewExemplar e{
        {{kMetricName, "http_requests_total"}, {"code", code}}, {{{"trace_id", id}}, v, t}, t};
    ASSERT_TRUE(db_->append_exemplars({&e, 1}));
  };
  add("200", "a", 0.5, kNow - 2000);
  add("200", "b", 1, kNow - 1500);
  add("500", "c", 2, kNow);
  const std::string first =
      R"({"seriesLabels":{"__name__":"http_requests_total","code":"200"},"exemplars":[)"
      R"({"labels":{"trace_id":"a"},"value":"0.5","timestamp":1699999998},)"
      R"({"labels":{"trace_id":"b"},"value":"1","timestamp":1699999998.500}]})";
  const std::string second =
      R"({"seriesLabels":{"__name__":"http_requests_total","code":"500"},"exemplars":[)"
      R"({"labels":{"trace_id":"c"},"value":"2","timestamp":1700000000}]})";
  check({
      {"/api/v1/query_exemplars?query=sum(rate(http_requests_total[5m]))",
       R"({"status":"success","data":[)" + first + "," + second + "]}"},
      {R"(/api/v1/query_exemplars?query=http_requests_total%7Bcode="500"%7D%2Fup)",
       R"({"status":"success","data":[)" + second + "]}"},
      {"/api/v1/query_exemplars?query=http_requests_total&start=1699999999",
       R"({"status":"success","data":[)" + second + "]}"},
      {"/api/v1/query_exemplars?query=1", R"({"status":"success","data":[]})"},
  });
}

TEST_F(HandlersTest, LabelsAndSeries) {
  check({
      {"/api/v1/labels",
       R"({"status":"success","data":["__name__","a.b","code","instance","job"]})"},
      {"/api/v1/labels?match[]=up&match[]=http_requests_total&limit=2",
       R"({"status":"success","data":["__name__","code"],)"
       R"("warnings":["results truncated due to limit"]})"},
      {"/api/v1/labels?start=1&end=2", R"({"status":"success","data":[]})"},
      {"/api/v1/label/job/values", R"({"status":"success","data":["a","b"]})"},
      {"/api/v1/label/job/values?match[]=up{instance=%22y%22}",
       R"({"status":"success","data":["b"]})"},
      {"/api/v1/label/U__a_2e_b/values", R"({"status":"success","data":["c\"\n"]})"},
      {"/api/v1/label/a.b/values", R"({"status":"success","data":["c\"\n"]})"},
      {"/api/v1/label/nothing/values", R"({"status":"success","data":[]})"},
      {"/api/v1/series?match[]=up&match[]=up{job=%22a%22}",
       R"({"status":"success","data":[{"__name__":"up","instance":"x","job":"a"},)"
       R"({"__name__":"up","instance":"y","job":"b"}]})"},
      {"/api/v1/series?match[]={%22my.metric%22}",
       R"({"status":"success","data":[{"__name__":"my.metric","a.b":"c\"\n"}]})"},
      {"/api/v1/series?match[]=up&limit=1",
       R"({"status":"success","data":[{"__name__":"up","instance":"x","job":"a"}],)"
       R"("warnings":["results truncated due to limit"]})"},
  });
  check_errors({{"/api/v1/series", "no match[] parameter provided"},
                {"/api/v1/series?match[]={}", "match[]"},
                {"/api/v1/labels?start=x", R"(invalid parameter \"start\")"},
                {"/api/v1/label/%ff/values", "invalid label name"}});
}

TEST_F(HandlersTest, Search) {
  const std::string_view success = R"({"status":"success","has_more":false})";
  const auto lines = [&](std::string_view results) {
    return fmt::format("{{\"results\":[{}]}}\n{}\n", results, success);
  };
  const std::pair<std::string_view, std::string> cases[] = {
      {"metric_names?search[]=requests", lines(R"({"name":"http_requests_total"})")},
      {"metric_names?search[]=up&search[]=http&include_score=true&sort_by=alpha&sort_dir=dsc",
       lines(R"({"name":"up","score":1},{"name":"http_requests_total","score":1})")},
      {"metric_names?search[]=UP", lines("")},
      {"metric_names?search[]=UP&case_sensitive=false", lines(R"({"name":"up"})")},
      {"metric_names?search[]=htp_request_total&fuzz_alg=jarowinkler", lines("")},
      {"metric_names?search[]=htp_request_total&fuzz_alg=jarowinkler&fuzz_threshold=80",
       lines(R"({"name":"http_requests_total"})")},
      {"label_names?search[]=e&sort_by=score&match[]=up&match[]=http_requests_total",
       lines(R"({"name":"__name__"},{"name":"code"},{"name":"instance"})")},
      {"label_values?label=job", lines(R"({"value":"a"},{"value":"b"})")},
      {"label_values?label=job&limit=1",
       "{\"results\":[{\"value\":\"a\"}]}\n{\"status\":\"success\",\"has_more\":true}\n"},
      {"label_values?label=job&batch_size=1",
       "{\"results\":[{\"value\":\"a\"}]}\n" + lines(R"({"value":"b"})")},
      {"label_values?label=job&start=1&end=2", lines("")},
  };
  for (const auto& [target, expected] : cases) {
    EXPECT_EQ(body(fmt::format("/api/v1/search/{}", target)), expected) << target;
  }
  check_errors({{"/api/v1/search/label_values", R"(missing required parameter \"label\")"},
                {"/api/v1/search/label_names?sort_by=score", "requires search[]"},
                {"/api/v1/search/label_names?sort_dir=asc", "only valid when sort_by"},
                {"/api/v1/search/label_names?fuzz_threshold=101", "must be 0-100"},
                {"/api/v1/search/label_names?fuzz_alg=x", "unsupported fuzz_alg"},
                {"/api/v1/search/label_names?limit=0", "invalid limit"},
                {"/api/v1/search/label_names?limit=10001", "exceeds the maximum"},
                {"/api/v1/search/label_names?case_sensitive=2", "must be boolean"},
                {"/api/v1/search/label_names?start=2&end=1", "must not be before"}});
}

TEST_F(HandlersTest, Targets) {
  config::ScrapeConfig job;
  job.job_name = "engines";
  config::RelabelConfig drop;
  drop.source_labels = {"__address__"};
  drop.regex = *Regex::compile("secret.*");
  drop.action = config::RelabelAction::kDrop;
  config::RelabelConfig copy;
  copy.source_labels = {"__address__"};
  copy.target_label = "host";
  job.relabel_configs = {drop, copy};
  add_job(job, {"10.0.0.1:80", "secret:80"});

  check({
      {"/api/v1/scrape_pools", R"({"status":"success","data":{"scrapePools":["engines"]}})"},
      {"/api/v1/targets/relabel_steps?scrapePool=engines&labels={%22__address__%22:%22a%22}",
       R"({"status":"success","data":{"steps":[{"rule":{"source_labels":["__address__"],)"
       R"("separator":";","regex":"secret.*","replacement":"$1","action":"drop"},)"
       R"("output":{"__address__":"a"},"keep":true},{"rule":{"source_labels":["__address__"],)"
       R"-("separator":";","regex":"(.*)","target_label":"host","replacement":"$1",)-"
       R"("action":"replace"},"output":{"__address__":"a","host":"a"},"keep":true}]}})"},
      {"/api/v1/targets/metadata", R"({"status":"success","data":[]})"},
      {"/api/v1/metadata", R"({"status":"success","data":{}})"},
  });
  EXPECT_TRUE(body("/api/v1/targets/relabel_steps?scrapePool=engines&labels="
                   "{%22__address__%22:%22secret%22}")
                  .contains(R"("output":{},"keep":false}]}})"));
  const auto dropped = body("/api/v1/targets?state=dropped");
  EXPECT_TRUE(dropped.starts_with(R"({"status":"success","data":{"activeTargets":[],)"
                                  R"("droppedTargets":[{"discoveredLabels":{)"
                                  R"("__address__":"secret:80",)"))
      << dropped;
  EXPECT_TRUE(dropped.ends_with(R"("job":"engines"},"scrapePool":"engines"}],)"
                                R"("droppedTargetCounts":{"engines":1}}})"))
      << dropped;
  const auto active = body("/api/v1/targets?state=active");
  EXPECT_TRUE(active.contains(R"("labels":{"host":"10.0.0.1:80","instance":"10.0.0.1:80",)"
                              R"("job":"engines"},"scrapePool":"engines",)"
                              R"("scrapeUrl":"http://10.0.0.1:80/metrics")"))
      << active;
  EXPECT_TRUE(active.contains(R"("lastError":"","lastScrape":"0001-01-01T00:00:00Z",)"
                              R"("lastScrapeDuration":0,"health":"unknown")"))
      << active;
  EXPECT_TRUE(body("/api/v1/scrape_pools/config?scrapePool=engines")
                  .contains(R"({"yaml":"job_name: engines\n)"));
  check_errors({{"/api/v1/targets?state=x", R"(invalid parameter \"state\")"},
                {"/api/v1/scrape_pools/config", "no scrapePool parameter"},
                {"/api/v1/scrape_pools/config?scrapePool=x", R"(scrape pool \"x\" not found)"},
                {"/api/v1/targets/relabel_steps?scrapePool=engines", "no labels parameter"},
                {"/api/v1/targets/relabel_steps?scrapePool=engines&labels=[1]", "parsing labels"}});
}

TEST_F(HandlersTest, Status) {
  check({
      {"/api/v1/status/config", R"({"status":"success","data":{"yaml":"global: {}\n"}})"},
      {"/api/v1/status/flags", R"({"status":"success","data":{"a.flag":"1"}})"},
      {"/api/v1/status/walreplay", R"({"status":"success","data":{"min":0,"max":0,"current":0}})"},
      {"/api/v1/status/tsdb/blocks", R"({"status":"success","data":{"blocks":[]}})"},
      {"/api/v1/notifications", R"({"status":"success","data":[]})"},
      {"/api/v1/queries", R"({"status":"success","data":[]})"},
  });
  reloaded_ = false;
  check({{"/api/v1/notifications",
          R"({"status":"success","data":[{"text":"Configuration reload has failed.",)"
          R"("date":"2023-11-14T22:13:20.000Z","active":true}]})"}});
  for (const auto* key : {"startTime", "CWD", "hostname", "serverTime", "storageRetention"}) {
    EXPECT_TRUE(body("/api/v1/status/runtimeinfo").contains(fmt::format("\"{}\":\"", key))) << key;
  }
  // Grafana takes what has features for a Mimir.
  const auto build = body("/api/v1/status/buildinfo");
  EXPECT_TRUE(build.contains(R"("version":"3.)")) << build;
  EXPECT_FALSE(build.contains("features"));
  EXPECT_TRUE(body("/version").starts_with(R"({"application":"Strata","version":"3.)"));
  EXPECT_TRUE(body("/api/v1/status/tsdb?limit=1")
                  .contains(R"("seriesCountByMetricName":[{"name":"up","value":2}])"));
  EXPECT_TRUE(body("/api/v1/features").contains(R"("rate":true)"));
  check_errors({{"/api/v1/status/tsdb?limit=0", R"(invalid parameter \"limit\")"}});
}

TEST_F(HandlersTest, OwnSeriesAsJson) {
  exposition_ =
      "# HELP c counts\n# TYPE c counter\nc{a=\"1\"} 2\nc{a=\"2\"} 3\n"
      "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\n"
      "# TYPE g gauge\ng NaN\n";
  check({
      {"/api/v1/status/self_metrics",
       R"({"status":"success","data":[{"name":"c","help":"counts","type":"COUNTER","metric":[)"
       R"({"label":[{"name":"a","value":"1"}],"counter":{"value":2}},)"
       R"({"label":[{"name":"a","value":"2"}],"counter":{"value":3}}]},)"
       R"({"name":"h","type":"HISTOGRAM","metric":[{"histogram":{"sampleCount":"3",)"
       R"("sampleSum":4.5,"bucket":[{"cumulativeCount":"2","upperBound":1},)"
       R"({"cumulativeCount":"3","upperBound":"Infinity"}]}}]},)"
       R"({"name":"g","type":"GAUGE","metric":[{"gauge":{"value":"NaN"}}]}]})"},
      {"/api/v1/status/self_metrics?metric_name_pattern=g|x",
       R"({"status":"success","data":[{"name":"g","type":"GAUGE",)"
       R"("metric":[{"gauge":{"value":"NaN"}}]}]})"},
      {"/metrics", exposition_},
  });
  check_errors({{"/api/v1/status/self_metrics?metric_name_pattern=(", "metric_name_pattern"}});
}

TEST_F(HandlersTest, Federation) {
  const auto response = ask("/federate?match[]=up&match[]={job=%22a%22}&match[]={%22my.metric%22}");
  EXPECT_EQ(response.headers.value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body,
            "# TYPE \"my.metric\" untyped\n"
            "{\"my.metric\",\"a.b\"=\"c\\\"\\n\",dc=\"north\",job=\"never\",instance=\"\"} "
            "1.5 1700000000000\n"
            "# TYPE up untyped\n"
            "up{dc=\"north\",instance=\"x\",job=\"a\"} 1 1700000000000\n"
            "up{dc=\"north\",instance=\"y\",job=\"b\"} 0 1700000000000\n");
  clock_.advance(std::chrono::minutes(5));
  EXPECT_EQ(body("/federate?match[]=up"), "");  // beyond the lookback
  EXPECT_EQ(ask("/federate").status, 400);
}

TEST_F(HandlersTest, WithoutAlertmanagersThereAreNone) {
  EXPECT_EQ(body("/api/v1/alertmanagers"),
            R"({"status":"success","data":{"activeAlertmanagers":[],"droppedAlertmanagers":[]}})");
}

TEST_F(HandlersTest, WhatIsNotThereSaysSo) {
  for (const auto* path : {"notifications/live"}) {
    const auto response = ask(fmt::format("/api/v1/{}", path));
    EXPECT_EQ(response.status, 501) << path;
    EXPECT_TRUE(response.body.starts_with(R"({"status":"error","errorType":"unavailable")"));
  }
  for (const auto* path : {"otlp/v1/metrics"}) {
    EXPECT_EQ(ask(fmt::format("/api/v1/{}", path), "POST").status, 501) << path;
  }
  for (const auto* path : {"/api/v1/nothing", "/api/v2/nothing", "/nothing"}) {
    const auto response = ask(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.headers.value("Content-Type"), "application/json");
  }
  const auto wrong = ask("/api/v1/query", "DELETE");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.value("Allow"), "GET POST");
}

TEST_F(HandlersTest, AdministrationIsBehindFlags) {
  const char* const paths[] = {"/api/v1/admin/tsdb/delete_series?match[]=up",
                               "/api/v1/admin/tsdb/clean_tombstones",
                               "/api/v1/admin/tsdb/snapshot"};
  for (const auto* path : paths) EXPECT_EQ(ask(path, "PUT").status, 503) << path;
  EXPECT_EQ(ask("/-/quit", "POST").status, 403);
  EXPECT_FALSE(quits_);

  server_->stop(std::chrono::seconds(1));
  auto all = services();
  all.admin_api = all.lifecycle = true;
  serve(std::move(all));
  EXPECT_EQ(ask(paths[0], "POST").status, 204);
  EXPECT_EQ(ask(paths[1], "PUT").status, 204);
  EXPECT_EQ(ask("/api/v1/admin/tsdb/delete_series", "POST").status, 400);
  EXPECT_EQ(ask("/-/quit", "POST", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_FALSE(quits_);
  EXPECT_EQ(ask("/-/quit", "POST", {{"Sec-Fetch-Site", "same-origin"}}).status, 200);
  EXPECT_TRUE(quits_);
}

TEST_F(HandlersTest, AdministrationOfTheStore) {
  auto all = services();
  all.admin_api = true;
  all.snapshot_dir = dir_.file("snapshots");
  serve(std::move(all));
  add({{"__name__", "doomed"}}, {1});
  add({{"__name__", "kept"}}, {1});
  const auto made = ask("/api/v1/admin/tsdb/snapshot", "POST");
  EXPECT_EQ(made.status, 200);
  EXPECT_TRUE(made.body.starts_with(R"({"status":"success","data":{"name":"2)")) << made.body;
  EXPECT_EQ(real_fs().list(dir_.file("snapshots")).value().size(), 1u);
  EXPECT_EQ(ask("/api/v1/admin/tsdb/snapshot?skip_head=maybe", "POST").status, 400);

  EXPECT_EQ(ask("/api/v1/admin/tsdb/delete_series?match[]=doomed&match[]=none", "PUT").status, 204);
  const auto names = body("/api/v1/label/__name__/values");
  EXPECT_EQ(names.find("doomed"), std::string::npos) << names;
  EXPECT_NE(names.find("kept"), std::string::npos) << names;
}

TEST_F(HandlersTest, Health) {
  check({{"/-/healthy", "Strata is healthy.\n"}, {"/-/ready", "Strata is ready.\n"}});
  EXPECT_EQ(ask("/-/reload", "POST").status, 500);
}

TEST_F(HandlersTest, EverythingIsBelowThePrefix) {
  auto below = services();
  below.route_prefix = "/strata";
  serve(std::move(below));
  EXPECT_EQ(ask("/strata/-/healthy").status, 200);
  EXPECT_TRUE(body("/strata/api/v1/query?query=1").contains("success"));
  EXPECT_EQ(ask("/-/healthy").status, 404);
  EXPECT_EQ(ask("/stratas/-/healthy").status, 404);
  EXPECT_EQ(ask("/api/v1/query?query=1").status, 404);
  EXPECT_EQ(ask("/strata/").status, 200);
  // The client follows where it is sent.
  for (const char* path : {"/", "/strata"}) {
    EXPECT_TRUE(ask(path).url.ends_with("/strata/")) << path;
  }
}

TEST_F(HandlersTest, TheCatalogSaysWhatNamesMean) {
  const auto all = body("/api/v1/catalog");
  EXPECT_TRUE(all.contains(R"({"name":"llm_requests_running","type":"gauge","unit":"requests",)"));
  EXPECT_TRUE(all.contains(R"("source":"vLLM","name":"vllm:num_requests_running")"));
  EXPECT_TRUE(all.contains(R"("becomes":["llm_requests_running")"));
}

TEST_F(HandlersTest, AnnotationsAsGrafanaHasThem) {
  auto with_notes = services();
  const auto notes = std::move(*dashboards::Annotations::open(dir_.file("n"), real_fs(), clock_));
  with_notes.annotations = notes.get();
  serve(std::move(with_notes));
  const net::Headers json{{"Content-Type", "application/json"}};
  EXPECT_EQ(ask("/api/annotations", "POST", json,
                R"({"time":1000,"timeEnd":2000,"tags":["deploy"],"text":"v2"})")
                .body,
            R"({"message":"Annotation added","id":1})");
  const std::string one = R"({"id":1,"dashboardUID":"","panelId":0,"login":"","time":1000,)"
                          R"("timeEnd":2000,"text":"v2","tags":["deploy"]})";
  EXPECT_EQ(body("/api/annotations?from=1500&to=9000&tags=deploy"), "[" + one + "]");
  EXPECT_EQ(body("/api/annotations?from=2001&to=9000"), "[]");
  EXPECT_EQ(body("/api/annotations/1"), one);
  EXPECT_EQ(ask("/api/annotations/1", "PATCH", json, R"({"text":"v3"})").status, 200);
  EXPECT_TRUE(body("/api/annotations/1").contains(R"("text":"v3")"));
  EXPECT_EQ(ask("/api/annotations/1", "DELETE").status, 200);
  EXPECT_EQ(ask("/api/annotations/1").status, 404);
  EXPECT_EQ(ask("/api/annotations", "POST", json, "{}").status, 400);
  EXPECT_EQ(ask("/api/annotations?from=x").status, 400);
}

}  // namespace
}  // namespace strata::api
