// The default texts of notifications. Names and what they print are Alertmanager's (0.34), so that
// files which call or override them work; the page of a mail is our own.
#include "alerting/notification_templates.h"

namespace strata::alerting {
namespace {

constexpr std::string_view kDefaults = R"tmpl(
{{ define "__alertmanager" }}Alertmanager{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}{{ end }}
{{ define "__description" }}{{ end }}

{{/* "[FIRING:2] group's values (values that all alerts have besides)" */}}
{{ define "__subject" -}}
[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] {{ join " " .GroupLabels.SortedPairs.Values }} {{ with .CommonLabels.Remove .GroupLabels.Names }}({{ join " " .Values }}){{ end }}
{{- end }}

{{ define "__text_alert_list" }}{{ range . }}Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Annotations:
{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}{{ end }}

{{ define "__text_alert_list_markdown" }}{{ range . }}
Labels:
{{ range .Labels.SortedPairs }}  - {{ .Name }} = {{ .Value }}
{{ end }}
Annotations:
{{ range .Annotations.SortedPairs }}  - {{ .Name }} = {{ .Value }}
{{ end }}
Source: {{ .GeneratorURL }}
{{ end }}
{{ end }}

{{/* What fires and what is over, in three dresses. */}}
{{ define "__alerts_close" }}{{ with .Alerts.Firing }}Alerts Firing:
{{ template "__text_alert_list" . }}{{ end }}
{{ with .Alerts.Resolved }}Alerts Resolved:
{{ template "__text_alert_list" . }}{{ end }}{{ end }}
{{ define "__alerts_text" }}{{ with .Alerts.Firing }}
Alerts Firing:
{{ template "__text_alert_list" . }}
{{ end }}
{{ with .Alerts.Resolved }}
Alerts Resolved:
{{ template "__text_alert_list" . }}
{{ end }}
{{ end }}
{{ define "__alerts_markdown" }}
{{ with .Alerts.Firing }}
# Alerts Firing:
{{ template "__text_alert_list_markdown" . }}
{{ end }}
{{ with .Alerts.Resolved }}
# Alerts Resolved:
{{ template "__text_alert_list_markdown" . }}
{{ end }}
{{ end }}
{{ define "__summary" }}{{ join " " .CommonAnnotations.SortedPairs.Values }}{{ end }}
{{/* Of a call by the people on call (docs/oncall.md); nothing of other notifications. */}}
{{ define "__take_it" }}{{ with .CommonAnnotations.oncall_summary }}{{ . }}
To take it: {{ $.CommonAnnotations.ack_url }}{{ end }}{{ end }}
{{ define "__color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end }}

{{ define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end }}
{{ define "slack.default.color" }}{{ template "__color" . }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}
{{ define "slack.default.pretext" }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}
{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.text" }}{{ template "__take_it" . }}{{ end }}
{{ define "slack.default.footer" }}{{ end }}

{{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}

{{ define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end }}
{{ define "opsgenie.default.description" }}{{ template "__summary" . }}
{{ template "__alerts_close" . }}{{ end }}
{{ define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{ define "wechat.default.message" }}{{ template "__subject" . }}
{{ template "__summary" . }}
{{ template "__alerts_close" . }}
AlertmanagerUrl:
{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "wechat.default.to_user" }}{{ end }}
{{ define "wechat.default.to_party" }}{{ end }}
{{ define "wechat.default.to_tag" }}{{ end }}
{{ define "wechat.default.agent_id" }}{{ end }}

{{ define "victorops.default.state_message" }}{{ template "__summary" . }}
{{ template "__alerts_close" . }}{{ end }}
{{ define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end }}
{{ define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end }}

{{ define "pushover.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "pushover.default.message" }}{{ template "__summary" . }}
{{ template "__alerts_text" . }}{{ end }}
{{ define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{ define "sns.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "sns.default.message" }}{{ template "__summary" . }}
{{ template "__alerts_text" . }}{{ end }}

{{ define "telegram.default.message" }}
{{ template "__alerts_text" . }}{{ end }}

{{ define "discord.default.content" }}{{ end }}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "discord.default.message" }}
{{ template "__alerts_text" . }}{{ end }}

{{ define "webex.default.message" }}{{ template "__summary" . }}
{{ template "__alerts_text" . }}{{ end }}

{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.text" }}{{ template "__alerts_markdown" . }}{{ end }}

{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteamsv2.default.text" }}{{ template "__alerts_markdown" . }}{{ end }}

{{ define "jira.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "jira.default.description" }}{{ template "__alerts_markdown" . }}{{ end }}

{{ define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "rocketchat.default.emoji" }}{{ end }}
{{ define "rocketchat.default.iconurl" }}{{ end }}
{{ define "rocketchat.default.text" }}{{ template "__take_it" . }}{{ end }}

{{ define "mattermost.default.color" }}{{ template "__color" . }}{{ end }}
{{ define "mattermost.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "mattermost.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "mattermost.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "mattermost.default.fallback" }}{{ template "mattermost.default.title" . }} | {{ template "mattermost.default.titlelink" . }}{{ end }}
{{ define "mattermost.default.text" }}{{ template "__alerts_markdown" . }}{{ end }}

{{/* Kinds that only Strata has. */}}
{{ define "strata.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "__strata_lines" }}{{ range . }}
- **{{ .Labels.alertname }}**{{ range (.Labels.Remove (stringSlice "alertname")).SortedPairs }} {{ .Name }}={{ .Value }}{{ end }}
{{- range .Annotations.SortedPairs }}
  {{ .Value }}{{ end }}{{ end }}{{ end }}
{{ define "strata.default.markdown" -}}
{{ with .Alerts.Firing }}**Firing**{{ template "__strata_lines" . }}
{{ end }}{{ with .Alerts.Resolved }}**Resolved**{{ template "__strata_lines" . }}
{{ end }}[Alerts]({{ template "__alertmanagerURL" . }}){{ end }}
{{ define "__alerts_spoken" }}{{ with .Alerts.Firing }}{{ len . }} alert{{ if gt (len .) 1 }}s{{ end }} firing: {{ end }}{{ if eq .Status "resolved" }}Resolved: {{ end }}{{ join ", " .GroupLabels.SortedPairs.Values }}{{ end }}
{{ define "strata.default.speech" -}}
{{ with .CommonAnnotations.oncall_summary }}{{ . }}{{ else }}{{ template "__alerts_spoken" . }}{{ end }}. {{ with .CommonAnnotations.summary }}{{ . }}.{{ end }}{{ end }}
{{ define "strata.default.call" }}{{ template "strata.default.speech" . }}{{ if .CommonAnnotations.ack_url }} Press 1 to take it, 2 to have the next person called.{{ end }}{{ end }}
{{ define "strata.default.sms" -}}
{{ with .CommonAnnotations.oncall_summary }}{{ . }}{{ else }}{{ template "__subject" . }}{{ end }}{{ with .CommonAnnotations.summary }} {{ . }}{{ end }}{{ with .CommonAnnotations.ack_url }} {{ . }}{{ end }}{{ end }}

{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "__email_rows" }}{{ range .SortedPairs }}<tr><td style="padding:2px 12px 2px 0;color:#667085;vertical-align:top">{{ .Name }}</td><td style="padding:2px 0">{{ .Value }}</td></tr>
{{ end }}{{ end }}
{{ define "__email_alerts" }}{{ range . }}<table role="presentation" style="border-collapse:collapse;margin:0 0 16px">
{{ template "__email_rows" .Labels }}{{ template "__email_rows" .Annotations }}{{ with .GeneratorURL }}<tr><td></td><td style="padding:2px 0"><a href="{{ . }}">Source</a></td></tr>
{{ end }}</table>
{{ end }}{{ end }}
{{ define "email.default.html" }}<!DOCTYPE html>
<html lang="en">
<head><meta charset="UTF-8"><meta name="viewport" content="width=device-width"><title>{{ template "__subject" . }}</title></head>
<body style="margin:0;padding:16px;font:14px/1.5 Helvetica,Arial,sans-serif;color:#101828;background:#ffffff">
<h1 style="margin:0 0 16px;padding:12px 16px;font-size:16px;color:#ffffff;background:{{ if .Alerts.Firing }}#b42318{{ else }}#067647{{ end }}">{{ len .Alerts }} alert{{ if ne (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}</h1>
<p><a href="{{ template "__alertmanagerURL" . }}">View in {{ template "__alertmanager" . }}</a></p>
{{ with .Alerts.Firing }}<h2 style="font-size:15px">[{{ len . }}] Firing</h2>
{{ template "__email_alerts" . }}{{ end }}{{ with .Alerts.Resolved }}<h2 style="font-size:15px">[{{ len . }}] Resolved</h2>
{{ template "__email_alerts" . }}{{ end }}</body>
</html>
{{ end }}
)tmpl";

}  // namespace

std::string_view default_templates() { return kDefaults; }

}  // namespace strata::alerting
