package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// metrics is what is known in the text format of Prometheus, version 0.0.4.
func (c *counters) metrics(q queueSize) []byte {
	e := &exposition{}
	e.family("qmail_queue_messages", "gauge", "Messages in the queue.")
	e.sample(q.messages)
	if q.looked {
		e.family("qmail_queue_unprocessed_messages", "gauge", "Messages that qmail-send has not looked at yet.")
		e.sample(q.unprocessed)
	}
	e.counter("qmail_messages_total", "Messages that qmail-send found in the queue.", c.New)
	e.counter("qmail_message_bytes_total", "Their size.", c.Bytes)
	e.counter("qmail_messages_ended_total", "Messages that left the queue.", c.Ended)
	e.counter("qmail_bounces_total", "Bounces that were queued.", c.Bounces)
	e.family("qmail_bounces_discarded_total", "counter", "Bounces that nobody is told of.")
	for _, kind := range []string{"double", "triple"} {
		e.sample(c.Discarded[kind], "kind", kind)
	}
	e.family("qmail_deliveries_started_total", "counter", "Deliveries that were started.")
	for i, channel := range channels[:unknown] {
		e.sample(c.Started[i], "channel", channel)
	}
	e.family("qmail_deliveries_total", "counter", "Deliveries that ended.")
	for i, channel := range channels {
		for j, result := range resultNames {
			e.sample(c.Results[i][j], "channel", channel, "result", result)
		}
	}
	e.family("qmail_delivery_reasons_total", "counter", "Deliveries that did not succeed, by status code or words.")
	for _, key := range slices.Sorted(maps.Keys(c.Reasons)) {
		result, channel, why := splitReason(key)
		e.sample(c.Reasons[key], "channel", channel, "result", result, "reason", why)
	}
	e.family("qmail_deliveries_running", "gauge", "Deliveries under way.")
	e.perChannel(c.Running)
	e.family("qmail_deliveries_limit", "gauge", "Deliveries that may be under way.")
	e.perChannel(c.Limit)
	e.family("qmail_delivery_seconds", "histogram", "How long deliveries took.")
	for i, channel := range channels[:unknown] {
		e.histogram(c.DeliverySeconds[i], "channel", channel)
	}
	e.family("qmail_message_seconds", "histogram", "How long messages were in the queue.")
	e.histogram(c.QueueSeconds)
	e.family("qmail_send_running", "gauge", "Whether qmail-send has not said that it ends.")
	e.sample(map[bool]int{true: 0, false: 1}[c.Exited])
	e.counter("qmail_alerts_total", "Lines alert: of qmail-send.", c.Alerts)
	e.counter("qmail_warnings_total", "Lines warning: of qmail-send.", c.Warnings)
	e.family("qmail_smtpd_events_total", "counter", "What qmail-smtpd did, with the extension smtpd-log.")
	e.events(c.Events, smtpd)
	e.family("qmail_scan_messages_total", "counter", "What qmail-scan did with messages.")
	e.events(c.Events, scan)
	e.counter("qmail_log_lines_total", "Lines read.", c.Lines)
	e.counter("qmail_log_lines_unknown_total", "Lines read that are none of qmail's.", c.Strange)
	e.family("qmail_log_timestamp_seconds", "gauge", "Time of the last line.")
	for _, s := range slices.Sorted(maps.Keys(c.Last)) {
		e.sample(c.Last[s].At.Unix(), "source", string(s))
	}
	return e.b.Bytes()
}

// splitReason takes a key of counters.Reasons apart.
func splitReason(key string) (result, channel, why string) {
	parts := strings.SplitN(key, " ", 3)
	for len(parts) < 3 { // of a state file that was edited
		parts = append(parts, "")
	}
	return parts[0], parts[1], parts[2]
}

// exposition is a text in that format.
type exposition struct {
	b    bytes.Buffer
	name string
}

// family begins a metric.
func (e *exposition) family(name, kind, help string) {
	e.name = name
	fmt.Fprintf(&e.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// counter is a metric that has one value.
func (e *exposition) counter(name, help string, value uint64) {
	e.family(name, "counter", help)
	e.sample(value)
}

func (e *exposition) perChannel(values [2]uint64) {
	for i, channel := range channels[:unknown] {
		e.sample(values[i], "channel", channel)
	}
}

func (e *exposition) events(events map[string]uint64, of source) {
	for _, key := range slices.Sorted(maps.Keys(events)) {
		if what, ok := strings.CutPrefix(key, string(of)+" "); ok {
			e.sample(events[key], "event", what)
		}
	}
}

// sample is a value, and the names and values of its labels.
func (e *exposition) sample(value any, labels ...string) { e.line(e.name, value, labels) }

func (e *exposition) line(name string, value any, labels []string) {
	e.b.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		e.b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		e.b.WriteString(labels[i] + `="` + escape(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		e.b.WriteByte('}')
	}
	fmt.Fprintf(&e.b, " %v\n", value)
}

func (e *exposition) histogram(h histogram, labels ...string) {
	below := uint64(0)
	for i, n := range h.Buckets {
		below += n
		bound := "+Inf"
		if i < len(bounds) {
			bound = fmt.Sprint(bounds[i])
		}
		e.line(e.name+"_bucket", below, append(slices.Clip(labels), "le", bound))
	}
	e.line(e.name+"_sum", h.Sum, labels)
	e.line(e.name+"_count", below, labels)
}

func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}
